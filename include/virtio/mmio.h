/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO, version 2 (virtio 1.2 section 4.2): registers, feature negotiation, status.
 *
 * One device a window of VIRTIO_MMIO_SIZE bytes and one edge-triggered line. Registers are 32 bits
 * wide and aligned; other accesses read 0 and are not written. Only version 1 drivers: FEATURES_OK
 * does not stay without VIRTIO_F_VERSION_1.
 *
 * Thread: the register handlers on any vCPU, several at a time. A doorbell and the interrupt
 * registers take no lock of the transport.
 */
#ifndef ARCVISOR_VIRTIO_MMIO_H
#define ARCVISOR_VIRTIO_MMIO_H

#include "exit/mmio.h"
#include "irq/irq.h"
#include "virtio/device.h"

#define VIRTIO_MMIO_SIZE	 0x200u
#define VIRTIO_MMIO_QUEUE_NOTIFY 0x050u
#define VIRTIO_MMIO_INT_ACK	 0x064u

struct virtio_mmio;

/*
 * Makes the window of @dev: fills its queues and port. @dev, @mem and @line (edge) outlive it. 0 or
 * -ENOMEM.
 */
int virtio_mmio_create(struct virtio_device *dev, const struct gmem *mem, struct irq_line *line,
		       struct virtio_mmio **out);

/*
 * Writes of InterruptACK do not come here: the host's kernel takes them (an ioeventfd that nobody
 * reads), which saves an exit an interrupt. A read of InterruptStatus then takes back what it
 * says. Before any vCPU runs.
 */
void virtio_mmio_acked_elsewhere(struct virtio_mmio *mmio);

/* No vCPU runs, and nothing of the device is under way. NULL is fine. */
void virtio_mmio_destroy(struct virtio_mmio *mmio);

extern const struct mmio_ops virtio_mmio_ops;

#endif
