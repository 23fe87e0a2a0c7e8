/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine, from its configuration to its end. vm/build.c is the only place that wires parts.
 *
 * A reset tears the guest's side down and builds it anew (memory, interrupt controller, vCPUs,
 * devices), so that nothing of the old boot is left; console and event loop stay.
 */
#ifndef ARCVISOR_VM_VM_H
#define ARCVISOR_VM_VM_H

#include "backend/backend.h"
#include "device/watchdog.h"
#include "exit/dispatch.h"
#include "vcpu/vcpu.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "virtio/pmem.h"
#include "virtio/vhost.h"
#include "virtio/vsock.h"
#include "virtio/rng.h"
#include "vm/config.h"

struct vm;

/*
 * Opens and checks what @config names and asks the host whether it can have such a machine.
 * Nothing is made yet. 0, or -errno after one line in the log: what was asked for cannot be had.
 * @config outlives the machine.
 */
int vm_create(const struct backend_ops *ops, const struct vm_config *config, struct vm **out);
void vm_destroy(struct vm *vm); /* NULL is fine */

/*
 * Builds the guest and runs it until the machine ends, through any resets that the guest asks
 * for, with the event loop on the calling thread. *@end says why. 0, or -errno after a line in
 * the log: the host failed.
 */
int vm_run(struct vm *vm, enum machine_end *end);

/*
 * What can be done to a machine that runs, on the loop's thread: from its callbacks.
 *
 * vm_power_button() presses the button, and what that does is the guest's. vm_stop() resumes
 * the machine, presses the button too, and ends the machine as MACHINE_TIMEOUT where the guest is
 * not off after the configuration's stop_timeout; it is pressed again where the guest resets
 * meanwhile. vm_quit() ends the machine, and vm_reset() its guest, as if that had asked for a
 * reset; both once the callback has returned.
 */
void vm_power_button(struct vm *vm);
void vm_stop(struct vm *vm);
void vm_quit(struct vm *vm);
void vm_reset(struct vm *vm);

/*
 * Stops every vCPU wherever it is, with the guest's clock, and lets them go on. A machine that is
 * to stop (vm_stop()) is resumed, one that crashed never. Idempotent.
 */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

struct vm_status {
	bool paused;
	bool crashed;  /* and kept, paused: no resume, but reset and quit */
	bool stopping; /* vm_stop() was called */
	unsigned int cpus;
	unsigned int resets; /* how often the guest was reset */
	uint64_t memory;     /* bytes */
};

void vm_get_status(const struct vm *vm, struct vm_status *status);

/*
 * The file behind disk @id has another size now: the guest is told. Its new size in *@size, bytes.
 * 0, -ENOENT (no such disk), or why the size cannot be had.
 */
int vm_resize_disk(struct vm *vm, const char *id, uint64_t *size);

/* What network card @index (below the configuration's nr_nets) did since the latest reset. */
struct vm_net_status {
	const struct net *net;
	struct vnet_stats stats;
};

void vm_get_net_status(const struct vm *vm, unsigned int index, struct vm_net_status *status);

/* What the socket device, which is there, did since the latest reset. */
struct vm_vsock_status {
	bool in_kernel;		   /* the host's kernel serves it now, and counts nothing; or */
	struct vvsock_stats stats; /* of ours */
};

void vm_get_vsock_status(const struct vm *vm, struct vm_vsock_status *status);

/* What the entropy device did since the latest reset; all 0 where there is none. */
void vm_get_rng_stats(const struct vm *vm, struct vrng_stats *stats);

/* Of device of vhost-user @index (below the configuration's nr_vhosts), since the latest reset. */
void vm_get_vhost_stats(const struct vm *vm, unsigned int index, struct vvhost_stats *stats);

/* Of pmem device @index (below the configuration's nr_pmems): its window, and since the latest
 * reset.
 */
struct vm_pmem_status {
	uint64_t size; /* bytes */
	struct vpmem_stats stats;
};

void vm_get_pmem_status(const struct vm *vm, unsigned int index, struct vm_pmem_status *status);

/*
 * Asks the guest for @target bytes of its memory, whole pages of 4 KiB; it stays asked for through
 * resets. 0, -ENODEV (it has no balloon) or -ERANGE (more than it has, or not whole).
 */
int vm_set_balloon(struct vm *vm, uint64_t target);

/* Of a machine that has a balloon, since the latest reset. */
void vm_get_balloon_status(const struct vm *vm, struct vballoon_stats *stats);

/* What the virtio console's terminal, or port @index of it, did since the latest reset. */
void vm_get_terminal_stats(const struct vm *vm, struct vcon_stats *stats);
void vm_get_port_stats(const struct vm *vm, unsigned int index, struct vcon_stats *stats);

/* What the guest's watchdog, which is there, did since the latest reset. */
void vm_get_watchdog_stats(const struct vm *vm, struct watchdog_stats *stats);

/* Exits of that kind of all vCPUs since the latest reset. */
uint64_t vm_get_exits(const struct vm *vm, enum vcpu_exit_kind kind);

struct vm_registers {
	enum vcpu_power power;
	struct vcpu_regs regs;
};

/*
 * What @count vCPUs from @first on have, all at one moment: the machine is paused for it if it is
 * not. 0 or the backend's error.
 */
int vm_get_registers(struct vm *vm, unsigned int first, unsigned int count,
		     struct vm_registers *regs);

#endif
