/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: a machine, for the files that run it. */
#ifndef ARCVISOR_VM_MACHINE_H
#define ARCVISOR_VM_MACHINE_H

#include <stdatomic.h>

#include "guest.h"
#include "loop/loop.h"
#include "vm/vm.h"

/* What outlives resets. Owned by the thread that called vm_run(), which runs the loop. */
struct vm {
	const struct backend_ops *ops;
	const struct vm_config *config;
	struct backend_caps caps;
	struct caches caches; /* the host's */
	uint32_t features;    /* VCPU_FEATURE_*, CPU_FEATURE_* */
	struct gic_choice gic;
	struct loop *loop;
	struct console *console;
	struct console *terminal; /* or NULL */
	struct console *ports[VM_MAX_PORTS];
	struct control_server *control; /* or NULL */
	struct loop_signal signals;
	struct loop_timer stop_timer;
	struct loop_event ended;
	struct exit_sink sink;
	struct boot_files files;
	struct boot_map map;
	struct disk *disks[VM_MAX_DISKS];
	struct net *nets[VM_MAX_NETS];
	struct vsock *vsock; /* or NULL */
	struct vhost_end *vhosts[VM_MAX_VHOSTS];
	struct pmem *pmems[VM_MAX_PMEMS];
	uint64_t balloon_target; /* bytes */
	struct guest *guest;	 /* while the loop runs, else NULL */
	unsigned int resets;	 /* guests before this one */
	bool crashed;	    /* it cannot go on and is kept, paused; reasons to end it count again */
	bool stopping;	    /* the guest is asked to power off, until the machine's end */
	_Atomic int end;    /* enum machine_end; the first reason that is given stays */
	_Atomic bool asked; /* somebody outside wants the machine to end */
};

/* Ends the guest: the first reason stays. From any thread; @ctx is the struct vm. */
void vm_end(void *ctx, enum machine_end why);

/* power.c: signals and the stop timer; around the loop's life. 0 or -errno. */
int vm_power_init(struct vm *vm);
void vm_power_fini(struct vm *vm);

/* power.c: a guest is about to run: one that is to stop is told so again after a reset. */
void vm_power_guest(struct vm *vm);

/* power.c: the guest's watchdog, where it has one; @ctx is the struct vm. */
void vm_watchdog_start(struct vm *vm);
void vm_watchdog_expired(void *ctx);

/*
 * crash.c: the guest has ended. True if it crashed and is to be kept, so that the loop goes on
 * until there is another reason to end it; else whatever was to be done is done.
 */
bool vm_crash_keeps(struct vm *vm);

#endif
