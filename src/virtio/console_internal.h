/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: a console device, its ports and its control queues. */
#ifndef ARCVISOR_VIRTIO_CONSOLE_INTERNAL_H
#define ARCVISOR_VIRTIO_CONSOLE_INTERNAL_H

#include <stdatomic.h>

#include "virtio/console.h"

/* Feature bits (section 5.3.3). */
#define VCON_F_SIZE	   0u
#define VCON_F_MULTIPORT   1u
#define VCON_F_EMERG_WRITE 2u

/* Section 5.3.6.2: what a control message begins with. */
struct vcon_control {
	uint32_t id;
	uint16_t event;
	uint16_t value;
};

_Static_assert(sizeof(struct vcon_control) == 8, "virtio 1.2 section 5.3.6.2");

enum {
	VCON_DEVICE_READY = 0,
	VCON_PORT_ADD = 1,
	VCON_PORT_READY = 3,
	VCON_PORT_OPEN = 6,
	VCON_PORT_NAME = 7,
};

/* Section 5.3.2: port 0 is before the control queues, the others behind them. */
#define VCON_CONTROL_RX 2u
#define VCON_CONTROL_TX 3u

static inline unsigned int vcon_rx_queue(unsigned int port)
{
	return port ? 2 * port + 2 : 0;
}

#define VCON_AT_ONCE 65536u /* bytes of a port between two looks at anything else */

/* Each entry may lie over two regions of memory in the few places where these touch. */
#define VCON_MAX_IOV (VCON_QUEUE_SIZE + GMEM_MAX_REGIONS)

/* What the driver has to be told of a port, in this order. */
#define VCON_TELL_ADD  0x1u
#define VCON_TELL_NAME 0x2u
#define VCON_TELL_OPEN 0x4u /* or closed, as it is then */

/*
 * @lock guards both directions; before a virtqueue's and before the host end's. Never held together
 * with another port's.
 */
struct vcon_port {
	struct vcon *vcon;
	unsigned int id;
	const char *name;
	struct console *console; /* NULL: what comes out of the guest vanishes */
	struct console_sink sink;
	pthread_mutex_t lock;
	bool started;	   /* DRIVER_OK */
	bool held;	   /* @chain is out of the queue, and not gone yet */
	unsigned int next; /* of @iov, and how much of that is gone */
	size_t gone;
	struct virtq_chain chain;
	struct iovec iov[VCON_MAX_IOV];
	struct vcon_stats stats;
	unsigned int tell; /* VCON_TELL_*; the device's @lock guards it */
	bool announced;	   /* the driver is ready for it; likewise */
	bool host_open;	   /* likewise */
};

struct vcon {
	struct virtio_device dev; /* first */
	struct loop *loop;
	bool terminal;
	struct loop_event wake; /* a port goes on, or the driver is to be told of the size */
	_Atomic bool tell_size;
	_Atomic uint16_t cols, rows;
	pthread_mutex_t lock; /* control queues; before a virtqueue's and a port's */
	bool multiport;	      /* the driver took it */
	unsigned int nr_ports;
	struct vcon_port ports[];
};

/* ---- console_port.c -------------------------------------------------------------------------- */

void vcon_port_init(struct vcon_port *port, struct vcon *vcon, unsigned int id);
void vcon_port_fini(struct vcon_port *port);

/* The driver may use it, or no more: then it is closed and nothing is held. */
void vcon_port_set_started(struct vcon_port *port, bool started);

/* The driver's end is open, or closed. */
void vcon_port_set_open(struct vcon_port *port, bool open);

/* Takes what the driver sends, as far as the host end does. From any thread. */
void vcon_port_send(struct vcon_port *port);

/* The driver has added buffers for what comes. */
void vcon_port_receive(struct vcon_port *port);

/* A queue of it was disabled: nothing that came out of it is used any more. */
void vcon_port_forget(struct vcon_port *port);

/* ---- console_control.c ----------------------------------------------------------------------- */

/* What the driver says. */
void vcon_control_receive(struct vcon *vcon);

/* Tells the driver what it is to be told, as far as it has buffers. */
void vcon_control_send(struct vcon *vcon);

/* The host end of @port may be another: the driver is told. On the loop's thread. */
void vcon_control_host_changed(struct vcon_port *port);

/* Nothing is to be told. */
void vcon_control_forget(struct vcon *vcon);

/* ---- console.c ------------------------------------------------------------------------------- */

/* What was pushed to @vq is the driver's, who is told if it wants that; @ret below 0: it is broken.
 */
void vcon_publish(struct vcon *vcon, struct virtqueue *vq, int ret);

#endif
