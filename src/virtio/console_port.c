/* SPDX-License-Identifier: Apache-2.0 */
/* A port's bytes, both ways. */
#include <errno.h>

#include "console_internal.h"
#include "scatter.h"

static struct virtqueue *rx_of(const struct vcon_port *port)
{
	return &port->vcon->dev.queues[vcon_rx_queue(port->id)];
}

static struct virtqueue *tx_of(const struct vcon_port *port)
{
	return rx_of(port) + 1;
}

/* The next chain, with bytes of that direction alone: 1, 0 (none; the driver will ring), -EPROTO.
 */
static int pop(struct virtqueue *vq, struct virtq_chain *chain, bool to_driver)
{
	int ret;

	pthread_mutex_lock(&vq->lock);
	do {
		ret = virtqueue_pop_locked(vq, chain);
	} while (ret == 0 && virtqueue_want_kicks_locked(vq, true));
	if (ret > 0 && (to_driver ? chain->nr_out || !chain->nr_in : chain->nr_in)) {
		virtqueue_break_locked(vq);
		ret = -EPROTO;
	}
	pthread_mutex_unlock(&vq->lock);
	return ret;
}

static void push(struct virtqueue *vq, uint16_t head, size_t written)
{
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, head, (uint32_t)written);
	pthread_mutex_unlock(&vq->lock);
}

/* ---- out of the guest ------------------------------------------------------------------------ */

static size_t take(struct vcon_port *port, const uint8_t *bytes, size_t len)
{
	size_t taken = port->console ? console_write(port->console, bytes, len) : len;

	if (taken < len && port->vcon->terminal) {
		port->stats.dropped += len - taken;
		taken = len;
	}
	port->stats.tx_bytes += taken;
	return taken;
}

/* True: all of the chain is gone. @left: how many bytes more may go now. */
static bool take_chain(struct vcon_port *port, size_t *left)
{
	while (port->next < port->chain.nr_out) {
		const struct iovec *iov = &port->iov[port->next];
		size_t len = iov->iov_len - port->gone;
		size_t taken;

		if (len > *left)
			len = *left;
		taken = take(port, (const uint8_t *)iov->iov_base + port->gone, len);
		*left -= taken;
		port->gone += taken;
		if (port->gone < iov->iov_len)
			return false;
		port->next++;
		port->gone = 0;
	}
	return true;
}

static int send_locked(struct vcon_port *port, struct virtqueue *vq)
{
	size_t left = VCON_AT_ONCE;

	for (;;) {
		if (!port->held) {
			int ret = pop(vq, &port->chain, false);

			if (ret <= 0)
				return ret;
			port->held = true;
			port->next = 0;
			port->gone = 0;
		}
		if (!take_chain(port, &left))
			break;
		port->held = false;
		push(vq, port->chain.head, 0);
	}
	/* Else the host end says when it has room again. */
	if (!left)
		loop_event_raise(&port->vcon->wake);
	return 0;
}

void vcon_port_send(struct vcon_port *port)
{
	struct virtqueue *vq = tx_of(port);
	int ret = 0;

	pthread_mutex_lock(&port->lock);
	if (port->started)
		ret = send_locked(port, vq);
	pthread_mutex_unlock(&port->lock);
	vcon_publish(port->vcon, vq, ret);
}

static void drained(void *ctx)
{
	vcon_port_send(ctx);
}

/* ---- into the guest -------------------------------------------------------------------------- */

static int receive_locked(struct vcon_port *port, struct virtqueue *vq, const uint8_t *buf,
			  size_t len, size_t *taken)
{
	struct iovec iov[VCON_MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = VCON_MAX_IOV };
	int ret = 0;

	while (*taken < len && (ret = pop(vq, &chain, true)) > 0) {
		const struct scatter room = { iov, chain.nr_in, chain.in_len };
		size_t n = len - *taken;

		if (n > chain.in_len)
			n = (size_t)chain.in_len;
		scatter_put(&room, 0, buf + *taken, n);
		push(vq, chain.head, n);
		*taken += n;
	}
	port->stats.rx_bytes += *taken;
	return ret < 0 ? ret : 0;
}

/* On the loop's thread. What is not taken is offered again after console_input_ready(). */
static size_t input(void *ctx, const uint8_t *buf, size_t len)
{
	struct vcon_port *port = ctx;
	struct virtqueue *vq = rx_of(port);
	size_t taken = 0;
	int ret = 0;

	pthread_mutex_lock(&port->lock);
	if (port->started && port->stats.open)
		ret = receive_locked(port, vq, buf, len, &taken);
	pthread_mutex_unlock(&port->lock);
	vcon_publish(port->vcon, vq, ret);
	return taken;
}

/* The lock orders this behind an input() that found no room (console_input_ready()). */
void vcon_port_receive(struct vcon_port *port)
{
	pthread_mutex_lock(&port->lock);
	pthread_mutex_unlock(&port->lock);
	if (port->console)
		console_input_ready(port->console);
}

/* ---- life ------------------------------------------------------------------------------------ */

void vcon_port_set_open(struct vcon_port *port, bool open)
{
	pthread_mutex_lock(&port->lock);
	port->stats.open = open && port->started;
	pthread_mutex_unlock(&port->lock);
	if (port->console)
		console_input_ready(port->console);
}

/* A terminal is never closed, nor is the first port of a driver that knows of no others. */
void vcon_port_set_started(struct vcon_port *port, bool started)
{
	pthread_mutex_lock(&port->lock);
	port->started = started;
	port->stats.open = false;
	pthread_mutex_unlock(&port->lock);
	if (started && port->vcon->terminal)
		vcon_port_set_open(port, true);
}

void vcon_port_forget(struct vcon_port *port)
{
	pthread_mutex_lock(&port->lock);
	port->held = false;
	pthread_mutex_unlock(&port->lock);
}

static void connected(void *ctx)
{
	vcon_control_host_changed(ctx);
}

static void resized(void *ctx)
{
	const struct vcon_port *port = ctx;

	atomic_store(&port->vcon->tell_size, true);
	loop_event_raise(&port->vcon->wake);
}

void vcon_port_init(struct vcon_port *port, struct vcon *vcon, unsigned int id)
{
	port->vcon = vcon;
	port->id = id;
	port->chain = (struct virtq_chain){ .iov = port->iov, .max_iov = VCON_MAX_IOV };
	port->sink = (struct console_sink){
		.input = input,
		.drained = drained,
		.connected = connected,
		.resized = resized,
		.ctx = port,
	};
	pthread_mutex_init(&port->lock, NULL);
}

void vcon_port_fini(struct vcon_port *port)
{
	pthread_mutex_destroy(&port->lock);
}
