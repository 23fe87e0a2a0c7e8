/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs: one thread each, which runs the guest, dispatches its exits and hands back replies.
 *
 * A vcpu_set owns all of a machine's vCPUs. Its lock guards power states and requests, and is
 * never taken on the exit path: a vCPU looks at one atomic word before it enters the guest.
 */
#ifndef ARCVISOR_VCPU_VCPU_H
#define ARCVISOR_VCPU_VCPU_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "exit/dispatch.h"

struct vcpu_set;

/*
 * What else happens on a vCPU's own thread: for those who keep things there, such as a ring that
 * one thread alone may touch. Each may be NULL, and costs nothing on the exit path then; none is
 * called with a lock held. The vCPU is in no handler and not in the guest meanwhile.
 */
struct vcpu_hook_ops {
	/* First of all. Anything but 0 is logged and ends the machine. */
	int (*start)(void *ctx, unsigned int vcpu);
	/* The guest was left by a signal or a kick: VCPU_EXIT_INTERRUPTED. */
	void (*interrupted)(void *ctx, unsigned int vcpu);
	/* Before each entry into the guest: to be quick. */
	void (*entry)(void *ctx, unsigned int vcpu);
	/* The vCPU pauses, stops or powers off: nothing may be under way when this returns. */
	void (*park)(void *ctx, unsigned int vcpu);
	/* Last of all, also where start() failed. */
	void (*end)(void *ctx, unsigned int vcpu);
};

struct vcpu_hooks {
	const struct vcpu_hook_ops *ops; /* NULL: none */
	void *ctx;
};

struct vcpu_set_config {
	const struct backend_ops *ops;
	struct backend_vm *vm;
	unsigned int nr_vcpus;
	bool user_psci; /* power states live here; else secondaries start in the backend's own */
	const struct gmem *mem; /* for handlers that look at the guest's own code */
	const struct mmio_map *mmio;
	const struct smccc_table *smccc;
	const struct exit_sink *sink; /* called from vCPU threads */
	struct vcpu_hooks hooks;
	uint64_t entry; /* boot CPU */
	uint64_t x0;
};

/* Creates vCPU objects in the backend, no thread yet. 0 or -errno. @config is copied. */
int vcpu_set_create(const struct vcpu_set_config *config, struct vcpu_set **out);

/* After vcpu_set_stop(), or if never started. NULL is fine. */
void vcpu_set_destroy(struct vcpu_set *set);

/* Starts the threads; the boot CPU runs, the others wait for CPU_ON. 0 or -errno. */
int vcpu_set_start(struct vcpu_set *set);

/* Stops and joins every thread. Not from a vCPU's thread. Idempotent. */
void vcpu_set_stop(struct vcpu_set *set);

/*
 * vCPU @index leaves the guest, or does not enter it, once: its thread comes by its hooks. Nothing
 * where it does not run. From any thread; takes the set's lock.
 */
void vcpu_set_kick(struct vcpu_set *set, unsigned int index);

#define VCPU_KICK_SIGNAL SIGUSR1 /* what interrupts a vCPU's thread in the guest */

/*
 * Stops every vCPU at an exit boundary, replies handed over, and returns when none runs guest
 * code. vcpu_set_resume() lets them go on. The guest's virtual counter stands still between the
 * two, so that for the guest no time passes. From the one thread that owns the set, which is no
 * vCPU's. Idempotent, not counted.
 */
void vcpu_set_pause(struct vcpu_set *set);
void vcpu_set_resume(struct vcpu_set *set);
bool vcpu_set_is_paused(const struct vcpu_set *set);

/* The guest's virtual counter while no vCPU runs. 0 or the backend's error. */
int vcpu_set_get_counter(const struct vcpu_set *set, uint64_t *counter);

/* The registers of vCPU @index while the set is paused. 0, -EBUSY (it is not) or the backend's. */
int vcpu_set_get_regs(const struct vcpu_set *set, unsigned int index, struct vcpu_regs *regs);

/* Power states by PSCI; from vCPU threads. @target is a valid index. */
enum vcpu_power {
	VCPU_OFF,
	VCPU_ON_PENDING,
	VCPU_ON,
};

/* VCPU_OFF: was off, is starting now; else the state that forbids it. */
enum vcpu_power vcpu_set_power_on(struct vcpu_set *set, unsigned int target, uint64_t entry,
				  uint64_t context);
enum vcpu_power vcpu_set_power_state(struct vcpu_set *set, unsigned int target);

/* The calling vCPU @index waits for an interrupt at its next entry. 0 or -ENOTSUP. */
int vcpu_set_suspend(struct vcpu_set *set, unsigned int index);

/* Exits of all vCPUs by kind; racy while they run. */
uint64_t vcpu_set_exits(const struct vcpu_set *set, enum vcpu_exit_kind kind);

#endif
