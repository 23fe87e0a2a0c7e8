/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket device's thread, a vCPU's that drives it, programs of the host, and one that resets
 * it. No byte is lost or comes twice, and after a reset nobody touches what was the driver's.
 */
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/virtio/driver.c"
#include "../unit/virtio/vsock_rig.c"
#undef NEED
#include "base/util.h"
#include "check.h"

#define STREAMS 4u
#define BYTES	200000u /* of each, there and back */
#define PIECE	700u
#define WINDOW	(4 * PIECE) /* under way at a time */
#define RESETS	100u
#define PORT	52u

static struct vsock_rig rig;
static _Atomic bool done;

/* ---- bytes there and back -------------------------------------------------------------------- */

/* A program of the host: gives each byte back. */
static void *echo(void *arg)
{
	int listener = *(int *)arg, fd;
	struct pollfd poller = { .fd = listener, .events = POLLIN };
	char bytes[4096];
	ssize_t n = 1;

	NEED(poll(&poller, 1, 60000) == 1);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		sched_yield();
	while (n > 0) {
		n = recv(fd, bytes, sizeof(bytes), 0);
		for (ssize_t sent = 0; sent < n;) {
			ssize_t more = send(fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);

			CHECK(more > 0);
			sent += more;
		}
	}
	CHECK(n == 0);
	close(fd);
	return NULL;
}

struct stream {
	uint32_t sent, got;
	bool open, shut, over;
};

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i ^ i >> 8);
}

static void send_op(enum vvsock_op op, uint32_t port, const struct stream *stream)
{
	struct vvsock_header packet = vsock_rig_packet(op, port, PORT);

	packet.fwd_cnt = stream->got;
	packet.flags = VVSOCK_SHUT_SEND;
	vsock_rig_send(&rig, &packet, NULL, 0);
}

static void send_piece(uint32_t port, struct stream *stream)
{
	struct vvsock_header packet = vsock_rig_packet(VVSOCK_OP_RW, port, PORT);
	uint8_t bytes[PIECE];

	for (uint32_t i = 0; i < PIECE; i++)
		bytes[i] = byte_at(stream->sent + i);
	packet.len = BYTES - stream->sent < PIECE ? BYTES - stream->sent : PIECE;
	packet.fwd_cnt = stream->got;
	vsock_rig_send(&rig, &packet, bytes, packet.len);
	stream->sent += packet.len;
}

static void take(struct stream *streams)
{
	static uint8_t bytes[VSOCK_RIG_EACH];
	struct vvsock_header header;

	while (vsock_rig_got(&rig, &header, bytes, sizeof(bytes))) {
		struct stream *stream = &streams[header.dst_port];

		CHECK(header.dst_port < STREAMS && header.src_port == PORT);
		stream->open |= header.op == VVSOCK_OP_RESPONSE;
		stream->over |= header.op == VVSOCK_OP_SHUTDOWN;
		CHECK(header.op != VVSOCK_OP_RST);
		for (uint32_t i = 0; header.op == VVSOCK_OP_RW && i < header.len; i++)
			CHECK(bytes[i] == byte_at(stream->got + i));
		if (header.op == VVSOCK_OP_RW)
			stream->got += header.len;
	}
}

/* A vCPU: few packets are out at a time, so that the driver's buffers do not run into each other.
 */
static void drive(struct stream *streams)
{
	unsigned int out = 0, used = 0, over = 0;
	struct virtq_used_elem elem;

	for (uint32_t port = 0; port < STREAMS; port++, out++)
		send_op(VVSOCK_OP_REQUEST, port, &streams[port]);
	for (uint32_t port = 0; over < STREAMS; port = (port + 1) % STREAMS) {
		struct stream *stream = &streams[port];

		vsock_rig_put(&rig, 0x50, VVSOCK_TX);
		while (driver_used(&rig.drivers[VVSOCK_TX], &elem))
			used++;
		take(streams);
		vsock_rig_put(&rig, 0x50, VVSOCK_RX);
		over = 0;
		for (unsigned int i = 0; i < STREAMS; i++)
			over += streams[i].over;
		if (out - used >= 8 || !stream->open || stream->shut) {
			sched_yield();
		} else if (stream->sent == BYTES) {
			send_op(VVSOCK_OP_SHUTDOWN, port, stream);
			stream->shut = true;
			out++;
		} else if (stream->sent - stream->got < WINDOW) {
			send_piece(port, stream);
			out++;
		}
	}
}

static void *look(void *arg)
{
	struct vvsock_stats stats;

	(void)arg;
	while (!atomic_load(&done)) {
		vvsock_get_stats(rig.vvsock, &stats);
		(void)virtio_mmio_ops.read(rig.mmio, 0x100, 8);
	}
	return NULL;
}

static void no_byte_is_lost_or_comes_twice(void)
{
	static struct stream streams[STREAMS];
	pthread_t echoes[STREAMS], looker;
	struct vvsock_stats stats;
	int listener;

	atomic_store(&done, false);
	vsock_rig_init(&rig);
	vsock_rig_start(&rig, VSOCK_RIG_BUFFERS);
	listener = vsock_rig_listen(&rig, PORT);
	NEED(vvsock_start(rig.vvsock) == 0);
	for (unsigned int i = 0; i < STREAMS; i++)
		echoes[i] = check_spawn(echo, &listener);
	looker = check_spawn(look, NULL);
	drive(streams);
	atomic_store(&done, true);
	pthread_join(looker, NULL);
	for (unsigned int i = 0; i < STREAMS; i++) {
		pthread_join(echoes[i], NULL);
		CHECK(streams[i].got == BYTES);
	}
	vvsock_get_stats(rig.vvsock, &stats);
	CHECK(stats.rx_bytes == STREAMS * BYTES && stats.tx_bytes == STREAMS * BYTES);
	CHECK(stats.by_guest == STREAMS && stats.reset == 0);
	CHECK(atomic_load(&rig.edges) > 0);
	close(listener);
	vsock_rig_fini(&rig);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void *ringer(void *arg)
{
	(void)arg;
	while (!atomic_load(&done))
		for (unsigned int queue = 0; queue < VVSOCK_QUEUES; queue++)
			vsock_rig_put(&rig, 0x50, queue);
	return NULL;
}

/* Programs of the host that come, say something and go. */
static void *visitor(void *arg)
{
	static const char line[] = "CONNECT 7\nand something more";
	char bytes[64];

	(void)arg;
	while (!atomic_load(&done)) {
		int fd = vsock_rig_connect(&rig);

		if (fd < 0) {
			sched_yield();
			continue;
		}
		(void)send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
		sched_yield();
		(void)recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		close(fd);
	}
	return NULL;
}

static void *interrupter(void *arg)
{
	(void)arg;
	while (!atomic_load(&done)) {
		vvsock_interrupt_all(rig.vvsock);
		sched_yield();
	}
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[3];

	atomic_store(&done, false);
	vsock_rig_init(&rig);
	NEED(vvsock_start(rig.vvsock) == 0);
	threads[0] = check_spawn(ringer, NULL);
	threads[1] = check_spawn(visitor, NULL);
	threads[2] = check_spawn(interrupter, NULL);
	for (unsigned int i = 0; i < RESETS; i++) {
		static const struct stream none;

		vsock_rig_start(&rig, VSOCK_RIG_BUFFERS);
		for (unsigned int n = 0; n < 8; n++) {
			struct vvsock_header answer =
				vsock_rig_packet(VVSOCK_OP_RESPONSE, 7, VVSOCK_FIRST_PORT + n);

			send_op(VVSOCK_OP_REQUEST, n, &none);
			vsock_rig_send(&rig, &answer, NULL, 0);
		}
		vsock_rig_put(&rig, 0x50, i % VVSOCK_QUEUES);
		sched_yield();
		vsock_rig_put(&rig, 0x70, 0);
		CHECK(vsock_rig_get(&rig, 0x70) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&done, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	vsock_rig_fini(&rig);
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("no byte is lost or comes twice", no_byte_is_lost_or_comes_twice);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
