/* SPDX-License-Identifier: Apache-2.0 */
/* The console device: features, configuration, life. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "console_internal.h"

/* Section 5.3.4. */
struct vcon_space {
	uint16_t cols, rows;
	uint32_t max_nr_ports;
	uint32_t emerg_wr;
};

_Static_assert(sizeof(struct vcon_space) == 12, "virtio 1.2 section 5.3.4");
_Static_assert(2 * (VCON_MAX_PORTS + 2) <= VIRTIO_MAX_QUEUES, "two queues a port, and two");

static struct vcon *to_vcon(struct virtio_device *dev)
{
	return (struct vcon *)(void *)dev;
}

void vcon_publish(struct vcon *vcon, struct virtqueue *vq, int ret)
{
	bool tell;

	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	if (tell)
		virtio_interrupt(&vcon->dev);
	if (ret < 0)
		virtio_needs_reset(&vcon->dev);
}

/* ---- configuration --------------------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	const struct vcon *vcon = to_vcon(dev);
	const struct vcon_space space = {
		.cols = atomic_load(&vcon->cols),
		.rows = atomic_load(&vcon->rows),
		.max_nr_ports = vcon->terminal ? 0 : vcon->nr_ports,
	};

	virtio_config_read(&space, sizeof(space), offset, buf, len);
}

/* Section 5.3.6.1: a character, at any time, also before there is a driver. */
static void write_config(struct virtio_device *dev, uint32_t offset, const void *buf, uint32_t len)
{
	struct vcon *vcon = to_vcon(dev);

	if (vcon->terminal && offset == offsetof(struct vcon_space, emerg_wr) && len)
		(void)console_write(vcon->ports[0].console, buf, 1);
}

static void update_size(struct vcon *vcon)
{
	uint16_t cols, rows;

	console_get_size(vcon->ports[0].console, &cols, &rows);
	atomic_store(&vcon->cols, cols);
	atomic_store(&vcon->rows, rows);
}

/* The driver looks at the size when it is told that it changed, and not before. */
static void woken(void *ctx)
{
	struct vcon *vcon = ctx;

	if (atomic_exchange(&vcon->tell_size, false)) {
		vcon->dev.port->config_begin(vcon->dev.port_ctx);
		update_size(vcon);
		vcon->dev.port->config_end(vcon->dev.port_ctx);
	}
	for (unsigned int i = 0; i < vcon->nr_ports; i++)
		vcon_port_send(&vcon->ports[i]);
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	struct vcon *vcon = to_vcon(dev);

	for (unsigned int i = 0; i < vcon->nr_ports; i++)
		if (vcon->ports[i].console)
			console_attach(vcon->ports[i].console, &vcon->ports[i].sink);
}

static void set_started(struct vcon *vcon, bool started)
{
	for (unsigned int i = 0; i < vcon->nr_ports; i++)
		vcon_port_set_started(&vcon->ports[i], started);
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vcon *vcon = to_vcon(dev);

	pthread_mutex_lock(&vcon->lock);
	vcon->multiport = features & BIT64(VCON_F_MULTIPORT);
	pthread_mutex_unlock(&vcon->lock);
	set_started(vcon, true);
	if (features & BIT64(VCON_F_SIZE)) {
		atomic_store(&vcon->tell_size, true);
		loop_event_raise(&vcon->wake);
	}
}

static void stop(struct virtio_device *dev)
{
	struct vcon *vcon = to_vcon(dev);

	set_started(vcon, false);
	vcon_control_forget(vcon);
}

/* One who works on a queue holds a lock while he does. */
static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vcon *vcon = to_vcon(dev);

	pthread_mutex_lock(&vcon->lock);
	pthread_mutex_unlock(&vcon->lock);
	if (queue < VCON_CONTROL_RX)
		vcon_port_forget(&vcon->ports[0]);
	else if (queue > VCON_CONTROL_TX)
		vcon_port_forget(&vcon->ports[queue / 2 - 1]);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	struct vcon *vcon = to_vcon(dev);
	struct vcon_port *port;

	if (queue == VCON_CONTROL_RX) {
		vcon_control_send(vcon);
		return;
	}
	if (queue == VCON_CONTROL_TX) {
		vcon_control_receive(vcon);
		return;
	}
	port = &vcon->ports[queue < VCON_CONTROL_RX ? 0 : queue / 2 - 1];
	if (queue % 2)
		vcon_port_send(port);
	else
		vcon_port_receive(port);
}

static const struct virtio_device_ops vcon_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
	.write_config = write_config,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int create(struct loop *loop, unsigned int nr_ports, struct vcon **out)
{
	struct vcon *vcon = calloc(1, sizeof(*vcon) + nr_ports * sizeof(vcon->ports[0]));
	int ret;

	if (!vcon)
		return -ENOMEM;
	ret = loop_event_init(loop, &vcon->wake, woken, vcon);
	if (ret < 0) {
		free(vcon);
		return ret;
	}
	vcon->loop = loop;
	vcon->nr_ports = nr_ports;
	pthread_mutex_init(&vcon->lock, NULL);
	for (unsigned int i = 0; i < nr_ports; i++)
		vcon_port_init(&vcon->ports[i], vcon, i);
	vcon->dev = (struct virtio_device){
		.ops = &vcon_ops,
		.id = VIRTIO_ID_CONSOLE,
		.queue_size = VCON_QUEUE_SIZE,
	};
	*out = vcon;
	return 0;
}

int vcon_create_terminal(struct loop *loop, struct console *console, struct vcon **out)
{
	int ret = create(loop, 1, out);

	if (ret < 0)
		return ret;
	(*out)->terminal = true;
	(*out)->ports[0].console = console;
	(*out)->dev.nr_queues = 2;
	(*out)->dev.features = BIT64(VCON_F_SIZE) | BIT64(VCON_F_EMERG_WRITE);
	update_size(*out);
	return 0;
}

int vcon_create_ports(struct loop *loop, const struct vcon_end *ends, unsigned int nr,
		      struct vcon **out)
{
	int ret = create(loop, nr + 1, out);

	if (ret < 0)
		return ret;
	for (unsigned int i = 0; i < nr; i++) {
		struct vcon_port *port = &(*out)->ports[1 + i];

		port->console = ends[i].console;
		port->name = ends[i].name;
		port->host_open = console_is_connected(port->console);
	}
	(*out)->dev.nr_queues = 2 * (nr + 2);
	(*out)->dev.features = BIT64(VCON_F_MULTIPORT);
	return 0;
}

void vcon_detach(struct vcon *vcon)
{
	for (unsigned int i = 0; vcon && i < vcon->nr_ports; i++)
		if (vcon->ports[i].console)
			console_attach(vcon->ports[i].console, NULL);
}

void vcon_destroy(struct vcon *vcon)
{
	if (!vcon)
		return;
	loop_event_fini(vcon->loop, &vcon->wake);
	for (unsigned int i = 0; i < vcon->nr_ports; i++)
		vcon_port_fini(&vcon->ports[i]);
	pthread_mutex_destroy(&vcon->lock);
	free(vcon);
}

struct virtio_device *vcon_device(struct vcon *vcon)
{
	return &vcon->dev;
}

void vcon_get_stats(struct vcon *vcon, unsigned int index, struct vcon_stats *stats)
{
	struct vcon_port *port = &vcon->ports[vcon->terminal ? index : index + 1];

	pthread_mutex_lock(&port->lock);
	*stats = port->stats;
	pthread_mutex_unlock(&port->lock);
}
