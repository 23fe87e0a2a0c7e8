/* SPDX-License-Identifier: Apache-2.0 */
#include "vsock_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NEED(ok)                                                                       \
	do {                                                                           \
		if (!(ok)) {                                                           \
			fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                       \
		}                                                                      \
	} while (0)

#define SEND_EACH 0x11000u
#define SENDS	  16u

/* One rig at a time has a line. */
static struct vsock_rig *current;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&current->edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

void vsock_rig_init(struct vsock_rig *rig)
{
	struct vsock_config config = { .cid = VSOCK_RIG_CID };

	memset(rig, 0, sizeof(*rig));
	current = rig;
	strcpy(rig->folder, "/tmp/vsock_rig.XXXXXX");
	NEED(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/v", rig->folder);
	config.path = rig->path;
	NEED(vsock_open(&config, &rig->host) == 0);
	rig->host->max_connections = VSOCK_RIG_CONNS;
	gmem_init(&rig->mem);
	NEED(gmem_add(&rig->mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig->line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vvsock_create(rig->host, &rig->vvsock) == 0);
	NEED(virtio_mmio_create(vvsock_device(rig->vvsock), &rig->mem, &rig->line, &rig->mmio) ==
	     0);
}

void vsock_rig_fini(struct vsock_rig *rig)
{
	char command[64];

	vvsock_stop(rig->vvsock);
	virtio_mmio_destroy(rig->mmio);
	vvsock_destroy(rig->vvsock);
	gmem_fini(&rig->mem);
	vsock_close(rig->host);
	snprintf(command, sizeof(command), "rm -r %s", rig->folder);
	NEED(system(command) == 0);
}

uint32_t vsock_rig_get(struct vsock_rig *rig, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(rig->mmio, reg, 4);
}

void vsock_rig_put(struct vsock_rig *rig, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig->mmio, reg, 4, val);
}

void vsock_rig_start(struct vsock_rig *rig, unsigned int buffers)
{
	driver_start(rig->mmio, &rig->mem, rig->drivers, VVSOCK_QUEUES, VSOCK_RIG_QUEUE_SIZE, 0);
	for (unsigned int i = 0; i < buffers; i++)
		vsock_rig_give(rig, i);
}

void *vsock_rig_host(struct vsock_rig *rig, gpa_t gpa)
{
	return gmem_slice(&rig->mem, gpa, 1);
}

void vsock_rig_give(struct vsock_rig *rig, unsigned int index)
{
	const struct driver_buf buf = { VSOCK_RIG_DATA + index * VSOCK_RIG_EACH, VSOCK_RIG_EACH,
					true };

	driver_offer(&rig->drivers[VVSOCK_RX], driver_chain(&rig->drivers[VVSOCK_RX], &buf, 1));
}

void vsock_rig_serve(struct vsock_rig *rig)
{
	while (vvsock_serve(rig->vvsock))
		;
}

struct vvsock_header vsock_rig_packet(enum vvsock_op op, uint32_t guest_port, uint32_t host_port)
{
	return (struct vvsock_header){
		.src_cid = VSOCK_RIG_CID,
		.dst_cid = VVSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = VVSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
		.buf_alloc = VSOCK_RIG_ALLOC,
	};
}

void vsock_rig_send(struct vsock_rig *rig, const struct vvsock_header *header, const void *data,
		    uint32_t len)
{
	gpa_t at = VSOCK_RIG_SEND + rig->sent++ % SENDS * SEND_EACH;
	const struct driver_buf bufs[] = {
		{ at, sizeof(*header), false },
		{ at + sizeof(*header), len, false },
	};

	NEED(len <= SEND_EACH - sizeof(*header));
	memcpy(vsock_rig_host(rig, at), header, sizeof(*header));
	if (len)
		memcpy(vsock_rig_host(rig, bufs[1].addr), data, len);
	driver_offer(&rig->drivers[VVSOCK_TX],
		     driver_chain(&rig->drivers[VVSOCK_TX], bufs, len ? 2 : 1));
}

void vsock_rig_do(struct vsock_rig *rig, enum vvsock_op op, uint32_t guest_port, uint32_t host_port)
{
	struct vvsock_header header = vsock_rig_packet(op, guest_port, host_port);

	vsock_rig_send(rig, &header, NULL, 0);
	vsock_rig_serve(rig);
}

bool vsock_rig_got(struct vsock_rig *rig, struct vvsock_header *header, void *data, size_t room)
{
	struct driver_queue *queue = &rig->drivers[VVSOCK_RX];
	struct virtq_used_elem elem;
	const uint8_t *bytes;

	if (!driver_used(queue, &elem))
		return false;
	NEED(elem.id < VSOCK_RIG_QUEUE_SIZE && elem.len >= sizeof(*header));
	bytes = vsock_rig_host(rig, queue->desc[elem.id].addr);
	memcpy(header, bytes, sizeof(*header));
	NEED(elem.len == sizeof(*header) + header->len);
	if (data)
		memcpy(data, bytes + sizeof(*header), header->len < room ? header->len : room);
	driver_offer(queue, (uint16_t)elem.id);
	return true;
}

static struct sockaddr_un address(const char *path, int port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (port < 0)
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	else
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s_%d", path, port);
	return addr;
}

int vsock_rig_listen(struct vsock_rig *rig, uint32_t port)
{
	const struct sockaddr_un addr = address(rig->path, (int)port);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	NEED(fd >= 0 && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	NEED(listen(fd, 128) == 0);
	return fd;
}

int vsock_rig_connect(struct vsock_rig *rig)
{
	const struct sockaddr_un addr = address(rig->path, -1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	NEED(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	NEED(errno == EAGAIN);
	close(fd);
	return -1;
}
