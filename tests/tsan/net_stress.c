/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network device's threads, vCPUs' threads that ring and command it, and one that resets it. No
 * packet is lost or comes twice, and after a reset nobody touches what was the driver's.
 */
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/virtio/driver.c"
#include "../unit/virtio/net_rig.c"
#undef NEED
#include "base/util.h"
#include "check.h"

#define PACKETS 3000u /* a pair */
#define RESETS	100u
#define FRAME	60u
#define BUFFERS 16u

static struct net_rig rig;
static _Atomic bool done;

static const uint8_t to_me[] = { 2, 0, 0, 0, 0, 7 };

/* ---- packets there and back ------------------------------------------------------------------ */

/* The other end of pair @arg: gives each packet back. */
static void *echo(void *arg)
{
	struct pollfd wire = { .fd = rig.wire[(uintptr_t)arg], .events = POLLIN };
	uint8_t packet[256];

	for (unsigned int i = 0; i < PACKETS;) {
		ssize_t n;

		NEED(poll(&wire, 1, 20000) == 1);
		n = recv(wire.fd, packet, sizeof(packet), 0);
		if (n < 0)
			continue;
		CHECK(n == 12 + FRAME);
		while (send(wire.fd, packet, (size_t)n, 0) < 0)
			sched_yield();
		i++;
	}
	return NULL;
}

static gpa_t place(unsigned int pair, unsigned int slot)
{
	return (pair * 2 * BUFFERS + slot) * 2048;
}

static void give(unsigned int pair, unsigned int slot)
{
	net_rig_give(&rig, 2 * pair, place(pair, slot), 2048);
	net_rig_put(&rig, 0x50, 2 * pair);
}

static void send_one(unsigned int pair, unsigned int number)
{
	struct driver_queue *queue = &rig.drivers[2 * pair + 1];
	const struct driver_buf buf = { NET_RIG_DATA + place(pair, BUFFERS + number % BUFFERS),
					12 + FRAME, false };
	uint8_t *bytes = net_rig_host(&rig, buf.addr);

	memset(bytes, 0, 12);
	memset(bytes + 12, (uint8_t)number, FRAME);
	memcpy(bytes + 12, to_me, 6);
	driver_offer(queue, driver_chain(queue, &buf, 1));
	net_rig_put(&rig, 0x50, 2 * pair + 1);
}

/* A vCPU: packets of one pair, numbered, a few under way at a time. */
static void *vcpu(void *arg)
{
	unsigned int pair = (unsigned int)(uintptr_t)arg, sent = 0, out = 0, got = 0;
	struct virtq_used_elem elem;

	for (unsigned int slot = 0; slot < BUFFERS; slot++)
		give(pair, slot);
	while (got < PACKETS) {
		while (driver_used(&rig.drivers[2 * pair + 1], &elem))
			out++;
		if (sent < PACKETS && sent - out < 8 && sent - got < 8)
			send_one(pair, sent++);
		while (driver_used(&rig.drivers[2 * pair], &elem)) {
			const uint8_t *bytes =
				net_rig_host(&rig, NET_RIG_DATA + place(pair, got % BUFFERS));

			CHECK(elem.len == 12 + FRAME);
			CHECK(bytes[11 + FRAME] == (uint8_t)got);
			give(pair, got++ % BUFFERS);
		}
		sched_yield();
	}
	return NULL;
}

/* Another vCPU: commands, and looks at what there is to see. */
static void *commander(void *arg)
{
	struct vnet_stats stats;
	uint64_t offloads = 0;
	uint8_t on = 0;

	(void)arg;
	while (!atomic_load(&done)) {
		CHECK(net_rig_control(&rig, 0, 0, &on, 1) == 0);
		on = !on;
		CHECK(net_rig_control(&rig, 1, 1, to_me, 6) == 0);
		offloads ^= BIT64(VNET_F_GUEST_CSUM);
		CHECK(net_rig_control(&rig, 5, 0, &offloads, 8) == 0);
		vnet_announce(rig.vnet);
		CHECK(net_rig_control(&rig, 3, 0, NULL, 0) == 0);
		(void)virtio_mmio_ops.read(rig.mmio, 0x100, 8);
		vnet_get_stats(rig.vnet, &stats);
	}
	return NULL;
}

static void no_packet_is_lost_or_comes_twice(void)
{
	pthread_t echoes[NET_RIG_PAIRS], vcpus[NET_RIG_PAIRS], commands;
	const uint16_t pairs = NET_RIG_PAIRS;
	struct vnet_stats stats;

	atomic_store(&done, false);
	net_rig_prepare(&rig);
	net_rig_init(&rig);
	net_rig_start(&rig, 0);
	NEED(vnet_start(rig.vnet) == 0);
	NEED(net_rig_control(&rig, 4, 0, &pairs, 2) == 0);
	for (uintptr_t i = 0; i < NET_RIG_PAIRS; i++) {
		echoes[i] = check_spawn(echo, (void *)i);
		vcpus[i] = check_spawn(vcpu, (void *)i);
	}
	commands = check_spawn(commander, NULL);
	for (unsigned int i = 0; i < NET_RIG_PAIRS; i++) {
		pthread_join(echoes[i], NULL);
		pthread_join(vcpus[i], NULL);
	}
	atomic_store(&done, true);
	pthread_join(commands, NULL);
	vnet_get_stats(rig.vnet, &stats);
	CHECK(stats.rx_packets == NET_RIG_PAIRS * PACKETS);
	CHECK(stats.tx_packets == NET_RIG_PAIRS * PACKETS);
	CHECK(atomic_load(&rig.edges) > 0);
	net_rig_fini(&rig);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void *ringer(void *arg)
{
	(void)arg;
	while (!atomic_load(&done))
		for (unsigned int queue = 0; queue < NET_RIG_QUEUES; queue++)
			net_rig_put(&rig, 0x50, queue);
	return NULL;
}

static void *wire(void *arg)
{
	int fd = rig.wire[(uintptr_t)arg];
	uint8_t packet[3000] = { 0 };

	while (!atomic_load(&done)) {
		(void)send(fd, packet, sizeof(packet), 0);
		(void)recv(fd, packet, sizeof(packet), 0);
		sched_yield();
	}
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	static const struct vnet_header plain;
	const uint16_t pairs = NET_RIG_PAIRS;
	pthread_t threads[2 + NET_RIG_PAIRS];

	atomic_store(&done, false);
	net_rig_prepare(&rig);
	net_rig_init(&rig);
	NEED(vnet_start(rig.vnet) == 0);
	for (uintptr_t i = 0; i < NET_RIG_PAIRS; i++)
		threads[i] = check_spawn(wire, (void *)i);
	threads[NET_RIG_PAIRS] = check_spawn(ringer, NULL);
	threads[NET_RIG_PAIRS + 1] = check_spawn(ringer, NULL);
	for (unsigned int i = 0; i < RESETS; i++) {
		net_rig_start(&rig, i % 3 ? 0 : BIT64(VNET_F_MRG_RXBUF));
		(void)net_rig_control(&rig, 4, 0, &pairs, 2);
		for (unsigned int slot = 0; slot < BUFFERS; slot++) {
			net_rig_give(&rig, 2 * (slot % 2), place(0, slot), 2048);
			net_rig_send(&rig, 2 * (slot % 2) + 1, &plain, place(1, slot), FRAME, 1);
		}
		net_rig_put(&rig, 0x50, i % 4);
		net_rig_put(&rig, 0x70, 0);
		CHECK(net_rig_get(&rig, 0x70) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&done, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	net_rig_fini(&rig);
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("no packet is lost or comes twice", no_packet_is_lost_or_comes_twice);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
