/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine is made of: plain data, filled by the command line, read by vm/build.c. */
#ifndef ARCVISOR_VM_CONFIG_H
#define ARCVISOR_VM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "block/disk.h"
#include "console/console.h"
#include "mem/backing.h"
#include "net/net.h"
#include "pmem/pmem.h"
#include "virtio/console.h"
#include "virtio/rng.h"
#include "vhost/vhost.h"
#include "virtio/balloon.h"
#include "vm/features.h"
#include "vsock/vsock.h"

#define VM_MIN_MEMORY	  (32ull << 20)
#define VM_DEFAULT_MEMORY (512ull << 20)
#define VM_MAX_MEMORY	  (255ull << 40) /* RAM begins at 1 GiB, so 48 bits address all of it */
#define VM_MEMORY_ALIGN	  (1ull << 20)	 /* whole pages of any size that an arm64 host has */
#define VM_DEFAULT_CPUS	  1u
#define VM_DEFAULT_STOP	  30u	 /* seconds */
#define VM_MAX_STOP	  86400u /* seconds */
#define VM_MAX_CPUS	  512u
#define VM_MAX_DISKS	  64u
#define VM_MAX_NETS	  8u
#define VM_MAX_VHOSTS	  8u
#define VM_MAX_PMEMS	  8u
#define VM_MAX_PORTS	  VCON_MAX_PORTS

/* Where the host leaves a choice, AUTO takes the newer, and what there is. */
enum vm_gic { VM_GIC_AUTO, VM_GIC_2, VM_GIC_3 };
enum vm_its { VM_ITS_AUTO, VM_ITS_ON, VM_ITS_OFF };

/* Whether others can map guest memory. AUTO: where somebody must, or it is of a pool. */
enum vm_share { VM_SHARE_AUTO, VM_SHARE_ON, VM_SHARE_OFF };

/* What happens when a vCPU cannot go on; see the log for why it cannot. */
enum vm_on_crash {
	VM_CRASH_EXIT,
	VM_CRASH_PAUSE, /* the guest stays, paused, until the machine is ended or reset */
	VM_CRASH_DUMP,	/* a core file is written first */
};

/* What happens when the guest does not refresh its watchdog in time. */
enum vm_watchdog {
	VM_WATCHDOG_OFF, /* it has none */
	VM_WATCHDOG_RESET,
	VM_WATCHDOG_EXIT,
	VM_WATCHDOG_PAUSE,
};

struct vm_config {
	const char *kernel;   /* path, never empty */
	const char *initrd;   /* path or NULL */
	const char *cmdline;  /* at most BOOT_CMDLINE_MAX bytes, or NULL */
	const char *control;  /* path of a control socket (docs/control.md), or NULL */
	const char *dtb_dump; /* path, or NULL: do not write the device tree to a file */
	unsigned int cpus;    /* 1 to VM_MAX_CPUS; the host may have fewer */
	uint64_t memory;      /* bytes, VM_MIN_MEMORY to VM_MAX_MEMORY; the host may have less */
	enum vm_share share;
	struct gmem_backing backing; /* what the memory is made of; @private follows @share */
	struct cpu_feature_wish cpu_features;
	enum vm_gic gic;
	enum vm_its its;
	bool smc; /* the guest calls by SMC, else by HVC (PSCI's conduit, DEN0022 5.1) */
	bool exit_on_reset;
	enum vm_on_crash on_crash;
	const char *dump_file; /* path of the core file, or NULL: arcvisor.PID.core */
	enum vm_watchdog watchdog;
	unsigned int stop_timeout; /* seconds that a guest has to power off, up to VM_MAX_STOP */
	struct console_config console;
	unsigned int nr_disks;
	struct disk_config disks[VM_MAX_DISKS]; /* ids differ */
	unsigned int nr_nets;
	struct net_config nets[VM_MAX_NETS]; /* ids differ */
	struct vsock_config vsock;
	struct rng_config rng;
	unsigned int nr_vhosts;
	struct vhost_config vhosts[VM_MAX_VHOSTS]; /* ids and tags differ */
	unsigned int nr_pmems;
	struct pmem_config pmems[VM_MAX_PMEMS]; /* ids differ */
	bool has_balloon;
	struct vballoon_config balloon;
	bool has_terminal; /* a virtio console, beside the serial port's @console */
	struct console_config terminal;
	unsigned int nr_ports;
	struct console_config ports[VM_MAX_PORTS]; /* of a virtio console; each has a name */
};

#endif
