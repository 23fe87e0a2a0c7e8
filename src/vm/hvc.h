/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the disks that are served by hypercalls, from their options to their node. */
#ifndef ARCVISOR_VM_HVC_H
#define ARCVISOR_VM_HVC_H

#include "boot/fdt.h"
#include "hvc/hvc_blk.h"
#include "vm/config.h"

struct guest;

/* All of it is empty where no disk has via=hvc. */
struct guest_hvc {
	struct hvc_blk *blk;
	struct irq_line *lines; /* one a vCPU */
	unsigned int nr_lines;
	unsigned int nr_disks;
	struct disk *disks[HVC_BLK_MAX_DISKS]; /* as the guest counts them */
};

/* Whether the options of these disks agree; -EINVAL after a line in the log. */
int hvc_check(const struct vm_config *config);

/* How many INTIDs the machine has: more where each vCPU needs one for its disks. */
unsigned int hvc_nr_irqs(const struct vm_config *config);

/*
 * In this order: the service and its MMIO window before the map freezes; its interrupts and rings
 * when the interrupt controller is there. 0 or -errno.
 */
int hvc_build(struct guest *guest);
int hvc_connect(struct guest *guest);

void hvc_describe(const struct guest *guest, struct fdt_config *fdt);

/* When no vCPU's thread is left. */
void hvc_fini(struct guest *guest);

/* The disk's capacity changed: its guest is told, if it is one of these. */
void hvc_changed(struct guest *guest, const struct disk *disk);

#endif
