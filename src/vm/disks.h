/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the disks that are virtio devices, from their options to their nodes. */
#ifndef ARCVISOR_VM_DISKS_H
#define ARCVISOR_VM_DISKS_H

#include "boot/fdt.h"
#include "virtio/blk.h"
#include "window.h"

struct guest;
struct vm_config;

struct guest_disk {
	struct vblk *vblk;
	struct virtio_window window;
	int doorbell;	/* eventfd; -1: the vCPU that rings serves */
	bool in_kernel; /* the host's kernel rings it, without an exit */
	struct vblk_thread *thread;
};

/* All of it is empty where no disk has via=virtio. */
struct guest_disks {
	struct guest_disk *disks;
	unsigned int nr_disks;
	struct disk **inline_disks;
	unsigned int nr_inline;
	struct vblk_waker *wakers; /* one a vCPU, where there are inline disks */
};

/*
 * In this order: devices and windows before the map freezes; interrupts, doorbells, rings and
 * threads when the interrupt controller is there. 0 or -errno after a line in the log.
 */
int disks_build(struct guest *guest);
int disks_connect(struct guest *guest);
void disks_describe(const struct guest *guest, struct fdt_config *fdt);

/* On a vCPU's own thread. */
int disks_attach(struct guest *guest, unsigned int vcpu);
void disks_interrupted(struct guest *guest, unsigned int vcpu);
void disks_reap(struct guest *guest, unsigned int vcpu);
void disks_drain(struct guest *guest, unsigned int vcpu);
void disks_detach(struct guest *guest, unsigned int vcpu);

/* When no vCPU's thread is left: completes what threads have in flight, then frees all. */
void disks_fini(struct guest *guest);

/* The disk's capacity changed: its guest is told, if it is one of these. */
void disks_changed(struct guest *guest, const struct disk *disk);

#endif
