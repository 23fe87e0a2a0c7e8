/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio console device (virtio 1.2 section 5.3), as one of two: a terminal (Linux's hvc0), or
 * any number of named ports (/dev/virtio-ports/NAME).
 *
 * They are two devices, since the size of a terminal is safe in configuration space alone: in the
 * message that a device with ports sends for it, older kernels of Linux take columns for rows.
 *
 * Bytes out of the guest are put into the host end's ring by the vCPU that rings; bytes into it are
 * brought by the event loop. No port waits for another. A port whose host end takes nothing keeps
 * its driver's buffers until it does; a terminal drops what there is no room for, since Linux
 * waits for it without a pause and with a lock held.
 */
#ifndef ARCVISOR_VIRTIO_CONSOLE_H
#define ARCVISOR_VIRTIO_CONSOLE_H

#include "console/console.h"
#include "loop/loop.h"
#include "virtio/device.h"

#define VCON_QUEUE_SIZE 64u
#define VCON_MAX_PORTS	30u /* of a device with ports */
#define VCON_NAME_MAX	63u

struct vcon;

/* A host end, and the name of its port; both outlive the device. */
struct vcon_end {
	struct console *console;
	const char *name;
};

/*
 * A terminal on @console; or a device with @nr ports (1 to VCON_MAX_PORTS). Their host ends have no
 * other sink. @loop is theirs, too. On the loop's thread, or before that runs. 0 or -errno. The
 * transport is made with vcon_device().
 */
int vcon_create_terminal(struct loop *loop, struct console *console, struct vcon **out);
int vcon_create_ports(struct loop *loop, const struct vcon_end *ends, unsigned int nr,
		      struct vcon **out);

/* No vCPU runs. Host ends have no sink any more. Before its transport goes. NULL is fine. */
void vcon_detach(struct vcon *vcon);

/* After its transport. NULL is fine. */
void vcon_destroy(struct vcon *vcon);

struct virtio_device *vcon_device(struct vcon *vcon);

/* What port @index (from 0, as they were given) did since it was made. From any thread. */
struct vcon_stats {
	uint64_t rx_bytes; /* into the guest */
	uint64_t tx_bytes; /* out of it, what was dropped included */
	uint64_t dropped;  /* a terminal's: there was no room */
	bool open;	   /* the guest has it open */
};

void vcon_get_stats(struct vcon *vcon, unsigned int index, struct vcon_stats *stats);

#endif
