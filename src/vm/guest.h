/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: what lives from one reset of a machine to the next. */
#ifndef ARCVISOR_VM_GUEST_H
#define ARCVISOR_VM_GUEST_H

#include "balloons.h"
#include "block/block.h"
#include "boot/caches.h"
#include "boot/load.h"
#include "console/console.h"
#include "consoles.h"
#include "device/pl011.h"
#include "device/pl031.h"
#include "device/pl061.h"
#include "device/power_button.h"
#include "device/watchdog.h"
#include "disks.h"
#include "exit/dispatch.h"
#include "exit/mmio.h"
#include "exit/smccc.h"
#include "gic.h"
#include "hvc.h"
#include "hvc/psci.h"
#include "irq/irq.h"
#include "mem/gmem.h"
#include "nets.h"
#include "pmems.h"
#include "rng.h"
#include "vcpu/vcpu.h"
#include "vhosts.h"
#include "vm/config.h"
#include "vsocks.h"

/* What a guest is built from; outlives it. */
struct guest_parts {
	const struct backend_ops *ops;
	const struct vm_config *config;
	uint32_t features; /* VCPU_FEATURE_*, CPU_FEATURE_* */
	struct gic_choice gic;
	const struct caches *caches;
	const struct boot_files *files;
	const struct boot_map *map;
	struct loop *loop;
	struct console *console;
	struct console *terminal;     /* or NULL */
	struct console *const *ports; /* config->nr_ports of them */
	const struct exit_sink *sink;
	uint64_t counter_hz;		    /* of the guest's counter */
	void (*watchdog_expired)(void *vm); /* on the loop's thread */
	void *vm;
	struct disk *const *disks;	 /* config->nr_disks of them, in that order */
	struct vhost_end *const *vhosts; /* config->nr_vhosts of them */
	struct net *const *nets;	 /* config->nr_nets of them */
	const uint64_t *balloon_target;	 /* bytes; as it was last set, in whichever guest */
	struct vsock *vsock;		 /* or NULL */
	struct pmem *const *pmems;	 /* config->nr_pmems of them */
};

struct guest {
	const struct guest_parts *parts;
	struct gmem mem;
	struct blk_pinned pinned; /* of @mem: all of it, or nothing */
	struct gmem steal;	  /* where vCPUs find their steal time: memory that is no RAM */
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	bool user_psci; /* the host forwards calls, so PSCI is ours */
	struct psci psci;
	struct irq_allocator irqs;
	struct irq_line uart_line;
	struct pl011 *uart;
	struct pl031 *rtc;
	struct irq_line gpio_line;
	struct pl061 *gpio;
	struct power_button power_button; /* where there is a gpio */
	struct irq_line watchdog_line;
	struct watchdog *watchdog; /* or NULL */
	struct guest_hvc hvc;
	unsigned int nr_windows; /* of virtio devices */
	struct guest_disks disks;
	struct guest_nets nets;
	struct guest_vsock vsock;
	struct guest_rng rng;
	struct guest_balloon balloon;
	struct guest_vhosts vhosts;
	struct guest_consoles consoles;
	struct guest_pmems pmems;
	struct vcpu_set *vcpus;
};

/* build_watchdog.c: nothing where the configuration has none. */
int watchdog_build(struct guest *guest);
void watchdog_describe(const struct guest *guest, struct fdt_config *fdt);
void watchdog_fini(struct guest *guest);

/*
 * Builds a guest that is ready to start: memory loaded, devices, interrupt controller, vCPUs. 0,
 * or -errno after a line in the log; then nothing is left.
 */
int guest_build(const struct guest_parts *parts, struct guest *guest);

/* What the vCPUs' threads call. */
struct vcpu_hooks guest_hooks(struct guest *guest);

/* Stops the vCPUs if they run, then frees everything in the reverse order. */
void guest_destroy(struct guest *guest);

#endif
