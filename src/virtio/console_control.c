/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages of a device with ports (virtio 1.2 section 5.3.6.2). */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "console_internal.h"
#include "scatter.h"

#define MAX_ROUNDS (4 * VCON_QUEUE_SIZE) /* of one doorbell */

struct message {
	struct vcon_control head;
	char name[VCON_NAME_MAX];
};

/* ---- to the driver --------------------------------------------------------------------------- */

static size_t make_message(const struct vcon_port *port, unsigned int what, struct message *message)
{
	size_t len = 0;

	message->head = (struct vcon_control){ .id = port->id, .value = 1 };
	switch (what) {
	case VCON_TELL_ADD:
		message->head.event = VCON_PORT_ADD;
		break;
	case VCON_TELL_NAME:
		message->head.event = VCON_PORT_NAME;
		len = strlen(port->name);
		memcpy(message->name, port->name, len);
		break;
	default:
		message->head.event = VCON_PORT_OPEN;
		message->head.value = port->host_open;
		break;
	}
	return sizeof(message->head) + len;
}

/* One message: 1, 0 (the driver has no room; it will ring) or -EPROTO. */
static int tell_locked(struct virtqueue *vq, const struct vcon_port *port, unsigned int what)
{
	struct iovec iov[VCON_MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = VCON_MAX_IOV };
	struct scatter room;
	struct message message;
	size_t len = make_message(port, what, &message);
	int ret;

	do {
		ret = virtqueue_pop_locked(vq, &chain);
	} while (ret == 0 && virtqueue_want_kicks_locked(vq, true));
	if (ret <= 0)
		return ret;
	if (chain.nr_out || chain.in_len < len) {
		virtqueue_break_locked(vq);
		return -EPROTO;
	}
	room = (struct scatter){ iov, chain.nr_in, chain.in_len };
	scatter_put(&room, 0, &message, len);
	virtqueue_push_locked(vq, chain.head, (uint32_t)len);
	return 1;
}

static int tell_all_locked(struct vcon *vcon, struct virtqueue *vq)
{
	for (unsigned int i = 0; i < vcon->nr_ports; i++) {
		struct vcon_port *port = &vcon->ports[i];

		while (port->tell) {
			unsigned int what = port->tell & -port->tell;
			int ret = tell_locked(vq, port, what);

			if (ret <= 0)
				return ret;
			port->tell &= ~what;
		}
	}
	return 0;
}

void vcon_control_send(struct vcon *vcon)
{
	struct virtqueue *vq = &vcon->dev.queues[VCON_CONTROL_RX];
	int ret = 0;

	pthread_mutex_lock(&vcon->lock);
	if (vcon->multiport) {
		pthread_mutex_lock(&vq->lock);
		ret = tell_all_locked(vcon, vq);
		pthread_mutex_unlock(&vq->lock);
	}
	pthread_mutex_unlock(&vcon->lock);
	vcon_publish(vcon, vq, ret);
}

void vcon_control_host_changed(struct vcon_port *port)
{
	struct vcon *vcon = port->vcon;
	bool open = console_is_connected(port->console);

	pthread_mutex_lock(&vcon->lock);
	/* A driver that is not ready for the port is told when it is. */
	if (port->host_open != open && vcon->multiport && port->announced)
		port->tell |= VCON_TELL_OPEN;
	port->host_open = open;
	pthread_mutex_unlock(&vcon->lock);
	if (!vcon->terminal)
		vcon_control_send(vcon);
}

void vcon_control_forget(struct vcon *vcon)
{
	pthread_mutex_lock(&vcon->lock);
	vcon->multiport = false;
	for (unsigned int i = 0; i < vcon->nr_ports; i++) {
		vcon->ports[i].tell = 0;
		vcon->ports[i].announced = false;
	}
	pthread_mutex_unlock(&vcon->lock);
}

/* ---- from the driver ------------------------------------------------------------------------- */

/* Port 0 is a console's by tradition, and stays empty. */
static void device_ready(struct vcon *vcon)
{
	for (unsigned int i = 1; i < vcon->nr_ports; i++)
		vcon->ports[i].tell |= VCON_TELL_ADD;
}

static void execute(struct vcon *vcon, const struct vcon_control *message)
{
	struct vcon_port *port;

	if (message->event == VCON_DEVICE_READY && message->value)
		device_ready(vcon);
	if (!message->id || message->id >= vcon->nr_ports)
		return;
	port = &vcon->ports[message->id];
	if (message->event == VCON_PORT_READY && message->value) {
		port->announced = true;
		port->tell |= VCON_TELL_NAME | VCON_TELL_OPEN;
	}
	if (message->event == VCON_PORT_OPEN)
		vcon_port_set_open(port, message->value);
}

/* What has no whole message in it says nothing. 1, 0 (there is none) or -EPROTO. */
static int receive_one(struct vcon *vcon, struct virtqueue *vq)
{
	struct iovec iov[VCON_MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = VCON_MAX_IOV };
	struct vcon_control message;
	struct scatter out;
	int ret;

	pthread_mutex_lock(&vq->lock);
	do {
		ret = virtqueue_pop_locked(vq, &chain);
	} while (ret == 0 && virtqueue_want_kicks_locked(vq, true));
	pthread_mutex_unlock(&vq->lock);
	if (ret <= 0)
		return ret;
	out = (struct scatter){ iov, chain.nr_out, chain.out_len };
	if (scatter_take_front(&out, &message, sizeof(message)))
		execute(vcon, &message);
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain.head, 0);
	pthread_mutex_unlock(&vq->lock);
	return 1;
}

void vcon_control_receive(struct vcon *vcon)
{
	struct virtqueue *vq = &vcon->dev.queues[VCON_CONTROL_TX];
	unsigned int rounds = 0;
	int ret = 0;

	pthread_mutex_lock(&vcon->lock);
	while (vcon->multiport && rounds++ < MAX_ROUNDS && (ret = receive_one(vcon, vq)) > 0)
		;
	pthread_mutex_unlock(&vcon->lock);
	vcon_publish(vcon, vq, ret < 0 ? ret : 0);
	vcon_control_send(vcon);
}
