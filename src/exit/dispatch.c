/* SPDX-License-Identifier: Apache-2.0 */
/* Exit kind to handler. */
#include "exit/dispatch.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "emulate.h"

#define PSCI_RET_DENIED ((uint64_t)-3) /* DEN0022 5.2.2, return codes */

static enum exit_action exit_end(struct exit_env *env, enum machine_end why)
{
	env->sink->end(env->sink->ctx, why);
	return EXIT_END;
}

/* The vCPU cannot go on, and a machine without one of its CPUs is no machine. */
static enum exit_action exit_crash(struct exit_env *env, struct vcpu_exit *exit)
{
	exit_report(env, exit);
	return exit_end(env, MACHINE_CRASH);
}

static enum exit_action exit_failed(struct exit_env *env, struct vcpu_exit *exit, const char *what,
				    int error)
{
	log_error("vCPU %u: cannot %s: %s", env->vcpu, what, strerror(-error));
	return exit_crash(env, exit);
}

static enum exit_action exit_resume(struct exit_env *env, struct vcpu_exit *exit)
{
	(void)env;
	(void)exit;
	return EXIT_RESUME;
}

static enum exit_action exit_mmio(struct exit_env *env, struct vcpu_exit *exit)
{
	int ret;

	mmio_access(env->mmio, exit->mmio.addr, exit->mmio.len, exit->mmio.is_write,
		    &exit->mmio.data);
	ret = mmio_extend_sign(env, exit);
	if (ret < 0)
		return exit_failed(env, exit, "complete a load", ret);
	return ret ? EXIT_REPLIED : EXIT_RESUME;
}

static enum exit_action exit_smccc(struct exit_env *env, struct vcpu_exit *exit)
{
	struct smccc_call call = {
		.ops = env->ops,
		.backend = env->backend,
		.vcpu = env->vcpu,
		.exit = &exit->smccc,
	};

	switch (smccc_dispatch(env->smccc, &call)) {
	case SMCCC_CPU_OFF:
		return EXIT_CPU_OFF;
	case SMCCC_END:
		return EXIT_END;
	case SMCCC_RETURN:
		break;
	}
	return EXIT_RESUME;
}

/* A suspend that nobody offered: refused as DEN0022, SYSTEM_SUSPEND, has it. */
static enum exit_action exit_deny_suspend(struct exit_env *env, struct vcpu_exit *exit)
{
	if (env->ops->vcpu_set_x(env->backend, 0, PSCI_RET_DENIED))
		return exit_crash(env, exit);
	return EXIT_RESUME;
}

static enum exit_action exit_system(struct exit_env *env, struct vcpu_exit *exit)
{
	switch (exit->system.event) {
	case VCPU_SYSTEM_OFF:
		return exit_end(env, MACHINE_OFF);
	case VCPU_SYSTEM_RESET:
	case VCPU_SYSTEM_RESET2:
		return exit_end(env, MACHINE_RESET);
	case VCPU_SYSTEM_SUSPEND:
		return exit_deny_suspend(env, exit);
	case VCPU_SYSTEM_CRASH:
	case VCPU_SYSTEM_SERROR:
	case VCPU_SYSTEM_OTHER:
		break;
	}
	return exit_crash(env, exit);
}

/* What is no load or store that we know the guest learns to be impossible there. */
static enum exit_action exit_refuse(struct exit_env *env, struct vcpu_exit *exit)
{
	static struct log_limit limit = { .burst = 5 };
	int ret;

	log_limited(&limit, LOG_LEVEL_WARN,
		    "vCPU %u: access at 0x%" PRIx64 " cannot be emulated (no syndrome): it gets an "
		    "external abort",
		    env->vcpu, exit->nisv.gpa);
	ret = env->ops->vcpu_inject_sea(env->backend);
	return ret < 0 ? exit_failed(env, exit, "inject an external abort", ret) : EXIT_RESUME;
}

static enum exit_action exit_nisv(struct exit_env *env, struct vcpu_exit *exit)
{
	int ret = nisv_emulate(env, exit);

	if (ret < 0)
		return exit_failed(env, exit, "emulate an access", ret);
	return ret ? EXIT_RESUME : exit_refuse(env, exit);
}

/* Registers that the backend does not know read as zero and ignore writes. */
static enum exit_action exit_sysreg(struct exit_env *env, struct vcpu_exit *exit)
{
	(void)env;
	if (!exit->sysreg.is_write)
		exit->sysreg.value = 0;
	return EXIT_RESUME;
}

static const struct exit_kind {
	const char *name;
	enum exit_action (*handle)(struct exit_env *env, struct vcpu_exit *exit);
} exit_kinds[VCPU_EXIT_KINDS] = {
	[VCPU_EXIT_INTERRUPTED] = { "interrupted", exit_resume },
	[VCPU_EXIT_MMIO] = { "mmio", exit_mmio },
	[VCPU_EXIT_SMCCC] = { "smccc", exit_smccc },
	[VCPU_EXIT_SYSTEM_EVENT] = { "system event", exit_system },
	[VCPU_EXIT_DEBUG] = { "debug", exit_crash },
	[VCPU_EXIT_FAULT] = { "fault", exit_crash },
	[VCPU_EXIT_NISV] = { "no syndrome", exit_nisv },
	[VCPU_EXIT_SYSREG] = { "sysreg", exit_sysreg },
	[VCPU_EXIT_WFI] = { "wfi", exit_resume },
	[VCPU_EXIT_VTIMER] = { "vtimer", exit_resume },
	[VCPU_EXIT_FAILED_ENTRY] = { "failed entry", exit_crash },
	[VCPU_EXIT_INTERNAL_ERROR] = { "internal error", exit_crash },
	[VCPU_EXIT_UNKNOWN] = { "unknown", exit_crash },
};

static unsigned int exit_bound(enum vcpu_exit_kind kind)
{
	return (unsigned int)kind < VCPU_EXIT_KINDS ? kind : VCPU_EXIT_UNKNOWN;
}

enum exit_action exit_dispatch(struct exit_env *env, struct vcpu_exit *exit)
{
	unsigned int kind = exit_bound(exit->kind);

	__atomic_store_n(&env->counts[kind], env->counts[kind] + 1, __ATOMIC_RELAXED);
	return exit_kinds[kind].handle(env, exit);
}

const char *exit_kind_name(enum vcpu_exit_kind kind)
{
	return exit_kinds[exit_bound(kind)].name;
}
