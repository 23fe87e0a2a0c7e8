/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated host behind backend_sim: plays scripted exits, records what the VMM did.
 *
 * The host is the process's own, since backend_ops carries no context: one machine at a time
 * (vm_create is -EBUSY while another lives), its vCPUs known by index. Scripts, replies and
 * call counts outlive a machine, so that a test can script before it starts and look after it
 * ended; the records of memory, interrupts and forwards are those of the latest machine.
 *
 * It is strict where a real hypervisor may be: ranges must not overlap, the interrupt controller
 * comes after the vCPUs, a reply answers the exit before it. Breaking the order that backend.h
 * asks for (an operation on a destroyed vCPU) is an assertion.
 *
 * Every function may be called from any thread.
 */
#ifndef ARCVISOR_BACKEND_SIM_H
#define ARCVISOR_BACKEND_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

#define SIM_MAX_VCPUS  512u
#define SIM_MAX_MEMORY 32u
#define SIM_MAX_IRQS   1024u

/* The operations of backend_ops, for sim_fail() and sim_calls(). */
enum sim_op {
	SIM_PROBE,
	SIM_VM_CREATE,
	SIM_VM_DESTROY,
	SIM_MEM_MAP,
	SIM_GIC_CREATE,
	SIM_IRQ_SET,
	SIM_IRQFD_BIND,
	SIM_IRQFD_UNBIND,
	SIM_IOEVENTFD_BIND,
	SIM_IOEVENTFD_UNBIND,
	SIM_SMCCC_FORWARD,
	SIM_VCPU_CREATE,
	SIM_VCPU_DESTROY,
	SIM_VCPU_RESET,
	SIM_VCPU_RUN,
	SIM_VCPU_REPLY,
	SIM_VCPU_SETTLE,
	SIM_VCPU_INTERRUPT,
	SIM_VCPU_GET_X,
	SIM_VCPU_SET_X,
	SIM_VCPU_GET_REGS,
	SIM_VCPU_GET_CONTEXT,
	SIM_VCPU_SET_SP,
	SIM_VCPU_SKIP,
	SIM_VCPU_INJECT_SEA,
	SIM_VCPU_GET_COUNTER,
	SIM_VCPU_SET_COUNTER,
	SIM_OPS,
};

/* Forgets scripts, records, failures and capabilities. No machine may live. */
void sim_init(void);

/* What probe() says from now on, and what the host then does: copied. */
void sim_set_caps(const struct backend_caps *caps);

/*
 * The @nth call of @op from now on (1: the next) returns -@err and has no effect; the calls
 * after it work again. @nth of 0 disarms. Not for operations that return nothing.
 */
void sim_fail(enum sim_op op, unsigned int nth, int err);

/* Calls of @op so far, failed ones too. */
unsigned int sim_calls(enum sim_op op);

/* Returns when @op has been called @count times in all. */
void sim_wait_calls(enum sim_op op, unsigned int count);

/*
 * The script of vCPU @index: what its vcpu_run() plays, in order. An interrupted vCPU leaves
 * with VCPU_EXIT_INTERRUPTED before it plays on; with nothing left to play it waits in
 * vcpu_run(), as a guest that needs nothing.
 */
void sim_play(unsigned int index, const struct vcpu_exit *exit);

/* An HVC or SMC: X0 holds @fid and X1 .. X@count (at most 17) hold @args when it plays. */
void sim_play_call(unsigned int index, bool is_smc, uint32_t fid, unsigned int count,
		   const uint64_t *args);

/* vcpu_run() returns -@err. */
void sim_play_error(unsigned int index, int err);

/* Returns when vCPU @index waits in vcpu_run() with nothing left to play. */
void sim_wait_idle(unsigned int index);

/* Replies of vCPU @index; those to VCPU_EXIT_INTERRUPTED carry nothing and are not kept. */
size_t sim_nr_replies(unsigned int index);
bool sim_reply(unsigned int index, size_t n, struct vcpu_exit *exit); /* false: no such reply */

/* The registers of vCPU @index, replies that took effect included. */
void sim_regs(unsigned int index, struct vcpu_regs *regs);
void sim_set_regs(unsigned int index, const struct vcpu_regs *regs);

/* The machine's virtual counter, which stands still but for these and vcpu_set_counter(). */
uint64_t sim_counter(void);
void sim_set_counter(uint64_t val);

/* What the latest vcpu_reset() of vCPU @index was told; false: none yet. */
bool sim_boot(unsigned int index, struct vcpu_boot *boot);

/* Whether a machine lives, and how many vCPUs it has now. */
bool sim_machine_lives(void);
unsigned int sim_nr_vcpus(void);

/* What the latest vm_create() that succeeded was told. */
void sim_vm_config(struct backend_vm_config *config);

struct sim_memory {
	gpa_t gpa;
	void *host;
	uint64_t size;
	bool read_only;
};

unsigned int sim_nr_memory(void);
bool sim_memory(unsigned int n, struct sim_memory *memory); /* false: no such mapping */

/* The interrupt controller; false: none was created. */
bool sim_gic(struct backend_gic_config *config);

/* The wire of @intid: its level, how often it rose, the eventfd bound to it (-1: none). */
bool sim_irq_level(unsigned int intid);
unsigned int sim_irq_edges(unsigned int intid);
int sim_irqfd(unsigned int intid);

/* The eventfd that a guest write of @len bytes at @gpa signals; -1: none. */
int sim_ioeventfd(gpa_t gpa, unsigned int len);
int sim_ioeventfd_value(gpa_t gpa, uint32_t val); /* bound to that value alone */

/* True if calls of @fid are sent to the VMM. */
bool sim_forwarded(uint32_t fid);

#endif
