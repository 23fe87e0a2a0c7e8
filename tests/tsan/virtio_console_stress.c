/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A console device with ports: vCPUs' threads that send, receive and ring, the loop's thread, hosts
 * at the ports' sockets that come and go, and one that resets it. No byte is lost or comes twice,
 * and after a reset nobody touches what was the driver's.
 */
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/virtio/console_rig.c"
#include "../unit/virtio/driver.c"
#undef NEED
#include "base/util.h"
#include "check.h"

#define PIECE	100u
#define PIECES	2000u /* a port */
#define RESETS	150u
#define BUFFERS 8u

static struct console_rig rig;
static int ends[CONSOLE_RIG_PORTS];
static _Atomic bool done;

static gpa_t place(unsigned int port, unsigned int slot)
{
	return (port * 2 * BUFFERS + slot) * 256;
}

/* Gives back what comes. */
static void *echo(void *arg)
{
	int fd = ends[(uintptr_t)arg];
	uint8_t bytes[1000];
	size_t left = PIECE * PIECES;

	while (left) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		NEED(n > 0 && (size_t)n <= left);
		NEED(send(fd, bytes, (size_t)n, 0) == n);
		left -= (size_t)n;
	}
	return NULL;
}

/* A vCPU: numbered bytes of one port, a few pieces under way at a time. */
static void *vcpu(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg, rx = vcon_rx_queue(index + 1), sent = 0,
		     out = 0, slot = 0;
	size_t got = 0;
	uint32_t len;

	for (unsigned int i = 0; i < BUFFERS; i++)
		console_rig_offer(&rig, rx, place(index, i), PIECE, true);
	while (got < PIECE * PIECES) {
		while (console_rig_try_used(&rig, rx + 1, &len))
			out++;
		if (sent < PIECES && sent - out < BUFFERS) {
			gpa_t at = place(index, BUFFERS + sent % BUFFERS);
			uint8_t *bytes = console_rig_host(&rig, CONSOLE_RIG_DATA + at);

			for (unsigned int i = 0; i < PIECE; i++)
				bytes[i] = (uint8_t)((sent * PIECE + i) % 251);
			console_rig_offer(&rig, rx + 1, at, PIECE, false);
			sent++;
		}
		while (console_rig_try_used(&rig, rx, &len)) {
			gpa_t at = place(index, slot++ % BUFFERS);
			const uint8_t *bytes = console_rig_host(&rig, CONSOLE_RIG_DATA + at);

			for (unsigned int i = 0; i < len; i++)
				CHECK(bytes[i] == (uint8_t)((got + i) % 251));
			got += len;
			console_rig_offer(&rig, rx, at, PIECE, true);
		}
		sched_yield();
	}
	return NULL;
}

/* Another vCPU, and whoever looks. */
static void *ringer(void *arg)
{
	struct vcon_stats stats;

	(void)arg;
	while (!atomic_load(&done)) {
		for (unsigned int queue = 0; queue < CONSOLE_RIG_QUEUES; queue++)
			console_rig_put(&rig, 0x50, queue);
		vcon_get_stats(rig.vcon, 0, &stats);
		(void)virtio_mmio_ops.read(rig.mmio, 0x100, 8);
	}
	return NULL;
}

static void open_ports(void)
{
	for (uint32_t id = 1; id <= CONSOLE_RIG_PORTS; id++) {
		console_rig_control(&rig, id, VCON_PORT_READY, 1);
		console_rig_control(&rig, id, VCON_PORT_OPEN, 1);
	}
}

/* When a byte of his is there, the loop has taken the connection. */
static void connect_all(void)
{
	uint32_t len;

	for (unsigned int i = 0; i < CONSOLE_RIG_PORTS; i++) {
		ends[i] = console_rig_connect(&rig, i);
		NEED(send(ends[i], "!", 1, 0) == 1);
		console_rig_offer(&rig, vcon_rx_queue(i + 1), 0, 1, true);
		while (!console_rig_try_used(&rig, vcon_rx_queue(i + 1), &len))
			sched_yield();
	}
}

static void no_byte_is_lost_or_comes_twice(void)
{
	pthread_t echoes[CONSOLE_RIG_PORTS], vcpus[CONSOLE_RIG_PORTS], rings;

	atomic_store(&done, false);
	console_rig_ports(&rig);
	console_rig_run(&rig);
	console_rig_start(&rig, 0);
	open_ports();
	connect_all();
	rings = check_spawn(ringer, NULL);
	for (uintptr_t i = 0; i < CONSOLE_RIG_PORTS; i++) {
		echoes[i] = check_spawn(echo, (void *)i);
		vcpus[i] = check_spawn(vcpu, (void *)i);
	}
	for (unsigned int i = 0; i < CONSOLE_RIG_PORTS; i++) {
		pthread_join(echoes[i], NULL);
		pthread_join(vcpus[i], NULL);
		close(ends[i]);
	}
	atomic_store(&done, true);
	pthread_join(rings, NULL);
	console_rig_fini(&rig);
}

/* Comes, says and hears something, goes. While nobody reads what was said he finds no place. */
static void *guest_of_a_port(void *arg)
{
	uint8_t bytes[300] = { 0 };

	while (!atomic_load(&done)) {
		int fd = console_rig_try_connect(&rig, (unsigned int)(uintptr_t)arg, SOCK_NONBLOCK);

		if (fd < 0) {
			sched_yield();
			continue;
		}
		(void)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		(void)recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		close(fd);
	}
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[1 + CONSOLE_RIG_PORTS];

	atomic_store(&done, false);
	console_rig_ports(&rig);
	console_rig_run(&rig);
	threads[0] = check_spawn(ringer, NULL);
	for (uintptr_t i = 0; i < CONSOLE_RIG_PORTS; i++)
		threads[1 + i] = check_spawn(guest_of_a_port, (void *)i);
	for (unsigned int i = 0; i < RESETS; i++) {
		console_rig_start(&rig, 0);
		open_ports();
		for (unsigned int slot = 0; slot < BUFFERS; slot++)
			for (unsigned int port = 1; port <= CONSOLE_RIG_PORTS; port++) {
				unsigned int rx = vcon_rx_queue(port);

				console_rig_offer(&rig, rx, place(port, slot), PIECE, true);
				console_rig_offer(&rig, rx + 1, place(port, BUFFERS + slot), PIECE,
						  false);
			}
		console_rig_put(&rig, 0x70, 0);
		CHECK(console_rig_get(&rig, 0x70) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&done, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	console_rig_fini(&rig);
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("no byte is lost or comes twice", no_byte_is_lost_or_comes_twice);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
