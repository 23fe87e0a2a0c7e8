/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: what every virtio device has of the machine: registers, and an interrupt. */
#ifndef ARCVISOR_VM_WINDOW_H
#define ARCVISOR_VM_WINDOW_H

#include "boot/fdt.h"
#include "irq/irq.h"
#include "virtio/mmio.h"

struct guest;

struct virtio_window {
	struct virtio_mmio *mmio;
	struct irq_line line;
	gpa_t base;
	int ack; /* eventfd that takes acknowledgements, and is never read; -1: exits do */
};

/* The next slot of the map for @dev; nothing to be undone but by window_fini(). 0 or -errno. */
int window_build(struct guest *guest, struct virtio_device *dev, struct virtio_window *window);

/* When the interrupt controller is there. 0 or -errno. */
int window_connect(struct guest *guest, struct virtio_window *window);

/* Adds its node behind those that are there. */
void window_describe(const struct virtio_window *window, struct fdt_config *fdt);

/* When nothing of the device is under way: after disconnecting, before the device goes. */
void window_disconnect(struct guest *guest, struct virtio_window *window);
void window_fini(struct virtio_window *window);

#endif
