/* SPDX-License-Identifier: Apache-2.0 */
/* Executes the loads and stores for which the processor reports no syndrome. */
#include "emulate.h"

#include "a64_ldst.h"
#include "base/util.h"
#include "exit/syndrome.h"
#include "stage1.h"

#define REG_31 31 /* SP as a base, XZR as what is transferred */

/* The smallest granule: a longer range of addresses may go to two places. */
#define PAGE_SIZE_MIN (4 * KIB)

/* One instruction under way. */
struct nisv {
	const struct exit_env *env;
	struct vcpu_context context;
	struct a64_ldst ldst;
	uint64_t base; /* of Rn, before */
	gpa_t gpa;     /* of the first transfer */
};

static unsigned int nisv_len(const struct nisv *nisv)
{
	return 1u << nisv->ldst.size;
}

static unsigned int nisv_count(const struct nisv *nisv)
{
	return nisv->ldst.pair ? 2 : 1;
}

static int nisv_get_x(const struct nisv *nisv, unsigned int n, uint64_t *val)
{
	*val = 0;
	return n == REG_31 ? 0 : nisv->env->ops->vcpu_get_x(nisv->env->backend, n, 1, val);
}

static int nisv_set_x(const struct nisv *nisv, unsigned int n, uint64_t val)
{
	return n == REG_31 ? 0 : nisv->env->ops->vcpu_set_x(nisv->env->backend, n, val);
}

static int nisv_get_base(struct nisv *nisv)
{
	if (nisv->ldst.rn != REG_31)
		return nisv_get_x(nisv, nisv->ldst.rn, &nisv->base);
	nisv->base = nisv->context.sp;
	return 0;
}

/* The address with the offset: where pre-index accesses, and what both write back. */
static uint64_t nisv_moved_base(const struct nisv *nisv)
{
	return nisv->base + (uint64_t)(int64_t)nisv->ldst.offset;
}

/*
 * The instruction at PC, if it may be the one that the exit speaks of. What transfers one register
 * by a register offset never comes without a syndrome.
 */
static bool nisv_decode(struct nisv *nisv, const struct vcpu_exit *exit)
{
	uint32_t insn;

	return stage1_fetch(nisv->env->mem, &nisv->context, &insn) == 0 &&
	       a64_ldst_decode(insn, &nisv->ldst) && !nisv->ldst.indexed &&
	       nisv->ldst.is_load != esr_data_abort(exit->nisv.esr).is_write;
}

/*
 * Where the transfers go: in the page that faulted and not beyond it, or the abort was not theirs,
 * or not all of theirs.
 */
static bool nisv_locate(struct nisv *nisv, gpa_t fault)
{
	uint64_t va = nisv->ldst.writeback == A64_POST_INDEX ? nisv->base : nisv_moved_base(nisv);
	gpa_t page = align_down(fault, PAGE_SIZE_MIN);

	return stage1_translate(nisv->env->mem, &nisv->context, va, &nisv->gpa) == 0 &&
	       range_within(nisv->gpa, (uint64_t)nisv_len(nisv) * nisv_count(nisv), page,
			    PAGE_SIZE_MIN);
}

static void nisv_access(const struct nisv *nisv, unsigned int n, uint64_t *data)
{
	unsigned int len = nisv_len(nisv);

	mmio_access(nisv->env->mmio, nisv->gpa + n * len, len, !nisv->ldst.is_load, data);
}

static int nisv_load(const struct nisv *nisv)
{
	uint64_t data[2];
	int ret;

	for (unsigned int i = 0; i < nisv_count(nisv); i++)
		nisv_access(nisv, i, &data[i]);
	ret = nisv_set_x(nisv, nisv->ldst.rt, a64_ldst_value(&nisv->ldst, data[0]));
	if (ret == 0 && nisv->ldst.pair)
		ret = nisv_set_x(nisv, nisv->ldst.rt2, a64_ldst_value(&nisv->ldst, data[1]));
	return ret;
}

static int nisv_store(const struct nisv *nisv)
{
	uint64_t data[2];
	int ret = nisv_get_x(nisv, nisv->ldst.rt, &data[0]);

	if (ret == 0 && nisv->ldst.pair)
		ret = nisv_get_x(nisv, nisv->ldst.rt2, &data[1]);
	for (unsigned int i = 0; ret == 0 && i < nisv_count(nisv); i++) {
		data[i] = a64_ldst_value(&nisv->ldst, data[i]);
		nisv_access(nisv, i, &data[i]);
	}
	return ret;
}

static int nisv_write_back(const struct nisv *nisv)
{
	uint64_t val = nisv_moved_base(nisv);

	if (nisv->ldst.writeback == A64_NO_WRITEBACK)
		return 0;
	if (nisv->ldst.rn == REG_31)
		return nisv->env->ops->vcpu_set_sp(nisv->env->backend, val);
	return nisv_set_x(nisv, nisv->ldst.rn, val);
}

int nisv_emulate(const struct exit_env *env, const struct vcpu_exit *exit)
{
	struct nisv nisv = { .env = env };
	int ret = env->ops->vcpu_get_context(env->backend, &nisv.context);

	if (ret < 0)
		return ret;
	if (!nisv_decode(&nisv, exit))
		return 0;
	ret = nisv_get_base(&nisv);
	if (ret < 0)
		return ret;
	if (!nisv_locate(&nisv, exit->nisv.gpa))
		return 0;
	ret = nisv.ldst.is_load ? nisv_load(&nisv) : nisv_store(&nisv);
	if (ret == 0)
		ret = nisv_write_back(&nisv);
	if (ret == 0)
		ret = env->ops->vcpu_skip(env->backend);
	return ret < 0 ? ret : 1;
}
