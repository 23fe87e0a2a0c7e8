/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit dispatch: one const table from exit kind to handler, above every backend.
 *
 * exit_dispatch() runs on the vCPU's thread after each vcpu_run(). It fills the exit's reply and
 * says what the run loop does next. It takes no lock, allocates nothing, and makes no system
 * call but those of the handler that the exit needs.
 */
#ifndef ARCVISOR_EXIT_DISPATCH_H
#define ARCVISOR_EXIT_DISPATCH_H

#include <stdint.h>

#include "backend/backend.h"
#include "exit/mmio.h"
#include "exit/smccc.h"
#include "mem/gmem.h"

enum exit_action {
	EXIT_RESUME,  /* hand the reply back and run on */
	EXIT_REPLIED, /* the reply is with the backend already: run on */
	EXIT_CPU_OFF, /* this vCPU powers off until a CPU_ON */
	EXIT_END,     /* the machine ends; the sink knows why */
};

/* Why a machine ends. */
enum machine_end {
	MACHINE_RUNNING,
	MACHINE_OFF,	  /* the guest powered off */
	MACHINE_RESET,	  /* the guest asked for a reset */
	MACHINE_CRASH,	  /* a vCPU cannot go on */
	MACHINE_QUIT,	  /* the user ended it */
	MACHINE_WATCHDOG, /* the guest's watchdog expired, and that is to end it */
	MACHINE_TIMEOUT,  /* the user asked the guest to power off, and it did not */
};

/* Where handlers report what concerns the whole machine. From any vCPU thread. */
struct exit_sink {
	void (*end)(void *ctx, enum machine_end why);
	void *ctx;
};

struct exit_env {
	const struct backend_ops *ops;
	struct backend_vcpu *backend;
	unsigned int vcpu; /* index, for services and reports */
	const struct gmem *mem;
	const struct mmio_map *mmio;
	const struct smccc_table *smccc;
	const struct exit_sink *sink;
	/*
	 * Exits by kind. The vCPU's thread alone writes them, by relaxed atomic stores; others
	 * read them with __atomic_load_n().
	 */
	uint64_t counts[VCPU_EXIT_KINDS];
};

/* A kind that is out of range is VCPU_EXIT_UNKNOWN. */
enum exit_action exit_dispatch(struct exit_env *env, struct vcpu_exit *exit);

/*
 * The kind's name in lower case words, as in reports and counters: "mmio", "failed entry".
 * "unknown" for one that is out of range.
 */
const char *exit_kind_name(enum vcpu_exit_kind kind);

/*
 * Writes what @exit was, the vCPU's registers and the instructions around its PC as log lines of
 * level error. For exits that end a vCPU.
 */
void exit_report(const struct exit_env *env, const struct vcpu_exit *exit);

#endif
