/* SPDX-License-Identifier: Apache-2.0 */
#include "net_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEED(ok)                                                                       \
	do {                                                                           \
		if (!(ok)) {                                                           \
			fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                       \
		}                                                                      \
	} while (0)

#define COMMAND_AT 0x280000u /* from NET_RIG_DATA on */

/* One rig at a time has a line. */
static struct net_rig *current;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&current->edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static int set_offloads(struct net *net, uint32_t offloads)
{
	(void)net;
	current->offloads = offloads;
	return 0;
}

static int set_queues(struct net *net, unsigned int queues)
{
	(void)net;
	current->queues = queues;
	return 0;
}

static bool is_gone(struct net *net, unsigned int queue)
{
	(void)net;
	(void)queue;
	return atomic_load(&current->cut);
}

static void close_net(struct net *net)
{
	(void)net;
}

static const struct net_ops net_ops = {
	.set_offloads = set_offloads,
	.set_queues = set_queues,
	.is_gone = is_gone,
	.close = close_net,
};

void net_rig_prepare(struct net_rig *rig)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 7 };

	memset(rig, 0, sizeof(*rig));
	current = rig;
	rig->net.ops = &net_ops;
	rig->net.kind = "socket";
	strcpy(rig->net.id, "net0");
	memcpy(rig->net.mac, mac, sizeof(mac));
	rig->net.mtu = 1500;
	rig->net.nr_queues = NET_RIG_PAIRS;
	rig->net.offloads = NET_RIG_OFFLOADS;
	for (unsigned int i = 0; i < NET_RIG_PAIRS; i++) {
		int ends[2], size = 1 << 20;

		NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) ==
		     0);
		for (unsigned int end = 0; end < 2; end++)
			setsockopt(ends[end], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		rig->net.fds[i] = ends[0];
		rig->wire[i] = ends[1];
	}
}

void net_rig_make_stream(struct net_rig *rig)
{
	int ends[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	close(rig->net.fds[0]);
	close(rig->wire[0]);
	rig->net.fds[0] = ends[0];
	rig->wire[0] = ends[1];
	rig->net.nr_queues = 1;
	rig->net.offloads = 0;
	rig->net.framed = true;
}

void net_rig_remake(struct net_rig *rig)
{
	vnet_stop(rig->vnet);
	virtio_mmio_destroy(rig->mmio);
	vnet_destroy(rig->vnet);
	gmem_fini(&rig->mem);
	net_rig_init(rig);
	net_rig_start(rig, 0);
}

void net_rig_init(struct net_rig *rig)
{
	gmem_init(&rig->mem);
	NEED(gmem_add(&rig->mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig->line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vnet_create(&rig->net, &rig->vnet) == 0);
	NEED(virtio_mmio_create(vnet_device(rig->vnet), &rig->mem, &rig->line, &rig->mmio) == 0);
}

void net_rig_fini(struct net_rig *rig)
{
	vnet_stop(rig->vnet);
	virtio_mmio_destroy(rig->mmio);
	vnet_destroy(rig->vnet);
	gmem_fini(&rig->mem);
	free(rig->net.stream);
	for (unsigned int i = 0; i < NET_RIG_PAIRS; i++) {
		close(rig->net.fds[i]);
		if (rig->wire[i] >= 0)
			close(rig->wire[i]);
	}
}

uint32_t net_rig_get(struct net_rig *rig, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(rig->mmio, reg, 4);
}

void net_rig_put(struct net_rig *rig, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig->mmio, reg, 4, val);
}

void net_rig_start(struct net_rig *rig, uint64_t without)
{
	driver_start(rig->mmio, &rig->mem, rig->drivers, NET_RIG_QUEUES, NET_RIG_QUEUE_SIZE,
		     without);
}

void *net_rig_host(struct net_rig *rig, gpa_t gpa)
{
	return gmem_slice(&rig->mem, gpa, 1);
}

uint16_t net_rig_give(struct net_rig *rig, unsigned int queue, gpa_t at, uint32_t len)
{
	const struct driver_buf buf = { NET_RIG_DATA + at, len, true };
	uint16_t head = driver_chain(&rig->drivers[queue], &buf, 1);

	driver_offer(&rig->drivers[queue], head);
	return head;
}

uint16_t net_rig_send(struct net_rig *rig, unsigned int queue, const struct vnet_header *header,
		      gpa_t at, uint32_t len, uint8_t byte)
{
	const struct driver_buf bufs[] = {
		{ NET_RIG_DATA + at, sizeof(*header), false },
		{ NET_RIG_DATA + at + sizeof(*header), len, false },
	};
	uint16_t head = driver_chain(&rig->drivers[queue], bufs, len ? 2 : 1);

	memcpy(net_rig_host(rig, bufs[0].addr), header, sizeof(*header));
	memset(net_rig_host(rig, bufs[1].addr), byte, len);
	driver_offer(&rig->drivers[queue], head);
	return head;
}

ssize_t net_rig_sent(struct net_rig *rig, void *buf, size_t len)
{
	return recv(rig->wire[0], buf, len, 0);
}

void net_rig_arrive(struct net_rig *rig, const uint8_t *dest, size_t len, uint8_t byte)
{
	static uint8_t packet[sizeof(struct vnet_header) + 2 * NET_MAX_FRAME];

	NEED(len >= NET_MAC_SIZE && len <= 2 * NET_MAX_FRAME);
	memset(packet, 0, sizeof(struct vnet_header));
	memset(packet + sizeof(struct vnet_header), byte, len);
	memcpy(packet + sizeof(struct vnet_header), dest, NET_MAC_SIZE);
	NEED(send(rig->wire[0], packet, sizeof(struct vnet_header) + len, 0) > 0);
}

void net_rig_serve(struct net_rig *rig)
{
	struct vnet_pair *pair = &rig->vnet->pairs[0];
	bool gone = false, any;

	do {
		any = vnet_receive(pair, &gone);
		any |= vnet_transmit(pair, &gone);
	} while (any);
	if (gone)
		vnet_check_link(pair);
}

uint8_t net_rig_control(struct net_rig *rig, uint8_t class, uint8_t cmd, const void *data,
			uint32_t len)
{
	const gpa_t at = NET_RIG_DATA + COMMAND_AT, ack = at + 0x1000, more = at + 0x2000;
	const struct driver_buf bufs[] = { { at, 2, false },
					   { more, len, false },
					   { ack, 1, true } };
	const struct driver_buf empty[] = { { at, 2, false }, { ack, 1, true } };
	struct driver_queue *queue = &rig->drivers[CONTROL];
	struct virtq_used_elem elem;

	((uint8_t *)net_rig_host(rig, at))[0] = class;
	((uint8_t *)net_rig_host(rig, at))[1] = cmd;
	*(uint8_t *)net_rig_host(rig, ack) = 0xff;
	if (len)
		memcpy(net_rig_host(rig, more), data, len);
	driver_offer(queue, len ? driver_chain(queue, bufs, 3) : driver_chain(queue, empty, 2));
	net_rig_put(rig, 0x50, CONTROL);
	if (!driver_used(queue, &elem))
		return 0xff;
	return *(uint8_t *)net_rig_host(rig, ack);
}
