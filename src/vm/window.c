/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "boot/layout.h"
#include "guest.h"

_Static_assert(LAYOUT_VIRTIO_EACH == VIRTIO_MMIO_SIZE, "slots are windows");
/* And one each of the devices that there is one of at most. */
_Static_assert(VM_MAX_DISKS + VM_MAX_NETS + VM_MAX_VHOSTS + VM_MAX_PMEMS + 8 <= LAYOUT_VIRTIO_SLOTS,
	       "all may be there");

int window_build(struct guest *guest, struct virtio_device *dev, struct virtio_window *window)
{
	unsigned int slot = guest->nr_windows++, intid;
	int ret = irq_alloc(&guest->irqs, &intid);

	*window = (struct virtio_window){
		.base = LAYOUT_VIRTIO_BASE + slot * LAYOUT_VIRTIO_EACH,
		.ack = -1,
	};
	window->line.eventfd = -1;
	if (ret < 0)
		return ret;
	irq_line_init(&window->line, guest->parts->ops, guest->vm, intid, IRQ_EDGE_RISING);
	ret = virtio_mmio_create(dev, &guest->mem, &window->line, &window->mmio);
	if (ret < 0)
		return ret;
	return mmio_map_add(&guest->mmio, window->base, LAYOUT_VIRTIO_EACH, "virtio-mmio",
			    &virtio_mmio_ops, window->mmio);
}

/* A wish: without it, an acknowledgement is an exit. */
static void take_acks(struct guest *guest, struct virtio_window *window)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return;
	if (guest->parts->ops->ioeventfd_bind(guest->vm, fd, window->base + VIRTIO_MMIO_INT_ACK,
					      4) < 0) {
		close(fd);
		return;
	}
	window->ack = fd;
	virtio_mmio_acked_elsewhere(window->mmio);
}

int window_connect(struct guest *guest, struct virtio_window *window)
{
	take_acks(guest, window);
	return irq_line_bind_eventfd(&window->line);
}

void window_describe(const struct virtio_window *window, struct fdt_config *fdt)
{
	fdt->virtio[fdt->nr_virtio++] = (struct fdt_virtio){
		.base = window->base,
		.size = LAYOUT_VIRTIO_EACH,
		.line = &window->line,
	};
}

void window_disconnect(struct guest *guest, struct virtio_window *window)
{
	if (window->ack >= 0) {
		guest->parts->ops->ioeventfd_unbind(guest->vm, window->ack,
						    window->base + VIRTIO_MMIO_INT_ACK, 4);
		close(window->ack);
		window->ack = -1;
	}
}

void window_fini(struct virtio_window *window)
{
	irq_line_fini(&window->line);
	virtio_mmio_destroy(window->mmio);
	window->mmio = NULL;
}
