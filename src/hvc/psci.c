/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 (Arm DEN0022). */
#include "hvc/psci.h"

#include "base/util.h"

#define PSCI_MAX_ARGS 3

#define PSCI_VERSION_1_1   0x10001u    /* PSCI_VERSION: major in 31:16, minor in 15:0 */
#define PSCI_NO_TRUSTED_OS 2	       /* MIGRATE_INFO_TYPE: nothing to migrate */
#define PSCI_FEATURES_NONE 0	       /* PSCI_FEATURES; of CPU_SUSPEND: original power_state */
#define PSCI_WARM_RESET	   0u	       /* SYSTEM_RESET2: the one architectural type */
#define SMCCC_VERSION	   0x80000000u /* DEN0028, SMCCC_VERSION */

/* CPU_SUSPEND, power_state in its original format: StateID, StateType, PowerLevel. */
#define POWER_STATE_FIELDS (0xffffu | BIT(16) | 3u << 24)

#define AFFINITY_MAX_LEVEL 3

/* What a level of affinity and those above it have in MPIDR_EL1. */
static const uint64_t affinity_masks[AFFINITY_MAX_LEVEL + 1] = {
	0xff00ffffffull,
	0xff00ffff00ull,
	0xff00ff0000ull,
	0xff00000000ull,
};

static enum smccc_action psci_answer(struct smccc_call *call, int32_t code)
{
	smccc_return(call, (uint64_t)(int64_t)code);
	return SMCCC_RETURN;
}

static enum smccc_action psci_version(struct psci *psci, struct smccc_call *call,
				      const uint64_t *args)
{
	(void)psci;
	(void)args;
	return psci_answer(call, PSCI_VERSION_1_1);
}

/*
 * A power-down request is served as standby, which DEN0022 lets an implementation do: with a
 * wake-up pending, power-down returns in the same way, so that callers expect it.
 */
static enum smccc_action psci_cpu_suspend(struct psci *psci, struct smccc_call *call,
					  const uint64_t *args)
{
	if ((uint32_t)args[0] & ~POWER_STATE_FIELDS)
		return psci_answer(call, PSCI_INVALID_PARAMETERS);
	psci_answer(call, PSCI_SUCCESS);
	/* A caller that cannot wait has woken at once, which it must expect of any standby. */
	(void)psci->ops->suspend(psci->ctx, call->vcpu);
	return SMCCC_RETURN;
}

static enum smccc_action psci_cpu_off(struct psci *psci, struct smccc_call *call,
				      const uint64_t *args)
{
	(void)psci;
	(void)call;
	(void)args;
	return SMCCC_CPU_OFF;
}

/* The inverse of mpidr_of_index(): false where no vCPU has exactly this affinity. */
static bool psci_find_vcpu(const struct psci *psci, uint64_t mpidr, unsigned int *index)
{
	*index = (unsigned int)((mpidr & 0xf) | (mpidr >> 8 & 0xff) << 4 |
				(mpidr >> 16 & 0xff) << 12);
	return *index < psci->nr_vcpus && mpidr_of_index(*index) == mpidr;
}

static bool psci_entry_valid(const struct psci *psci, uint64_t entry)
{
	uint64_t limit;

	return !(entry & 3) && gmem_translate(psci->mem, entry, &limit);
}

static enum smccc_action psci_cpu_on(struct psci *psci, struct smccc_call *call,
				     const uint64_t *args)
{
	unsigned int target;

	if (!psci_find_vcpu(psci, args[0], &target))
		return psci_answer(call, PSCI_INVALID_PARAMETERS);
	if (!psci_entry_valid(psci, args[1]))
		return psci_answer(call, PSCI_INVALID_ADDRESS);
	return psci_answer(call, psci->ops->cpu_on(psci->ctx, target, args[1], args[2]));
}

/*
 * The most powered state of the CPUs whose affinity is @target at the levels that @mask keeps;
 * INVALID_PARAMETERS where there is none.
 */
static int32_t psci_affinity_of(const struct psci *psci, uint64_t target, uint64_t mask)
{
	int32_t found = PSCI_INVALID_PARAMETERS;
	unsigned int i;

	for (i = 0; i < psci->nr_vcpus; i++) {
		enum psci_affinity state;

		if ((mpidr_of_index(i) & mask) != target)
			continue;
		state = psci->ops->affinity(psci->ctx, i);
		if (state == PSCI_AFFINITY_ON)
			return PSCI_AFFINITY_ON;
		if (found != PSCI_AFFINITY_ON_PENDING)
			found = (int32_t)state;
	}
	return found;
}

static enum smccc_action psci_affinity_info(struct psci *psci, struct smccc_call *call,
					    const uint64_t *args)
{
	uint32_t level = (uint32_t)args[1];
	uint64_t mask;
	uint64_t ignored;

	if (level > AFFINITY_MAX_LEVEL)
		return psci_answer(call, PSCI_INVALID_PARAMETERS);
	/* Fields below the level carry nothing; a bit that is no field's matches no CPU. */
	mask = affinity_masks[level];
	ignored = affinity_masks[0] & ~mask;
	return psci_answer(call, psci_affinity_of(psci, args[0] & ~ignored, mask));
}

static enum smccc_action psci_migrate_info_type(struct psci *psci, struct smccc_call *call,
						const uint64_t *args)
{
	(void)psci;
	(void)args;
	return psci_answer(call, PSCI_NO_TRUSTED_OS);
}

static enum smccc_action psci_system_off(struct psci *psci, struct smccc_call *call,
					 const uint64_t *args)
{
	(void)call;
	(void)args;
	psci->ops->system_off(psci->ctx);
	return SMCCC_END;
}

static enum smccc_action psci_system_reset(struct psci *psci, struct smccc_call *call,
					   const uint64_t *args)
{
	(void)call;
	(void)args;
	psci->ops->system_reset(psci->ctx);
	return SMCCC_END;
}

/* A vendor's type (bit 31) is as unknown here as an architectural one to come. */
static enum smccc_action psci_system_reset2(struct psci *psci, struct smccc_call *call,
					    const uint64_t *args)
{
	if ((uint32_t)args[0] != PSCI_WARM_RESET)
		return psci_answer(call, PSCI_INVALID_PARAMETERS);
	return psci_system_reset(psci, call, args);
}

static enum smccc_action psci_features(struct psci *psci, struct smccc_call *call,
				       const uint64_t *args);

/* DEN0022, function prototypes: what exists, by which identifiers, with how many arguments that
 * matter. */
static const struct psci_function {
	enum smccc_action (*call)(struct psci *psci, struct smccc_call *call, const uint64_t *args);
	bool fn32, fn64;
	unsigned int nr_args;
} psci_functions[PSCI_COUNT] = {
	[PSCI_FN_VERSION] = { psci_version, true, false, 0 },
	[PSCI_FN_CPU_SUSPEND] = { psci_cpu_suspend, true, true, 1 },
	[PSCI_FN_CPU_OFF] = { psci_cpu_off, true, false, 0 },
	[PSCI_FN_CPU_ON] = { psci_cpu_on, true, true, 3 },
	[PSCI_FN_AFFINITY_INFO] = { psci_affinity_info, true, true, 2 },
	[PSCI_FN_MIGRATE_INFO_TYPE] = { psci_migrate_info_type, true, false, 0 },
	[PSCI_FN_SYSTEM_OFF] = { psci_system_off, true, false, 0 },
	[PSCI_FN_SYSTEM_RESET] = { psci_system_reset, true, false, 0 },
	[PSCI_FN_FEATURES] = { psci_features, true, false, 1 },
	[PSCI_FN_SYSTEM_RESET2] = { psci_system_reset2, true, true, 1 },
};

/* The function that @fid names, or NULL where PSCI has none or none of that width. */
static const struct psci_function *psci_find(uint32_t fid)
{
	bool is_64bit = fid & SMCCC_64;
	uint32_t n = fid - (is_64bit ? PSCI_FN64 : PSCI_FN32);
	const struct psci_function *function;

	if (n >= PSCI_COUNT)
		return NULL;
	function = &psci_functions[n];
	return (is_64bit ? function->fn64 : function->fn32) ? function : NULL;
}

static enum smccc_action psci_features(struct psci *psci, struct smccc_call *call,
				       const uint64_t *args)
{
	uint32_t fid = (uint32_t)args[0];

	(void)psci;
	if (fid != SMCCC_VERSION && !psci_find(fid))
		return psci_answer(call, PSCI_NOT_SUPPORTED);
	return psci_answer(call, PSCI_FEATURES_NONE);
}

static enum smccc_action psci_call(void *ctx, struct smccc_call *call)
{
	const struct psci_function *function = psci_find(call->exit->fid);
	uint64_t args[PSCI_MAX_ARGS] = { 0 };

	if (!function)
		return psci_answer(call, PSCI_NOT_SUPPORTED);
	if (function->nr_args && smccc_args(call, function->nr_args, args))
		return psci_answer(call, PSCI_INTERNAL_FAILURE);
	return function->call(ctx, call, args);
}

int psci_register(struct psci *psci, struct smccc_table *table)
{
	int err = smccc_table_add(table, PSCI_FN32, PSCI_COUNT, "PSCI (32-bit)", psci_call, psci);

	if (err)
		return err;
	return smccc_table_add(table, PSCI_FN64, PSCI_COUNT, "PSCI (64-bit)", psci_call, psci);
}
