/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A console device whose host ends are real ones, its transport, a driver with queues of 16, and
 * the loop on a thread. No test framework: it ends the program where the host fails.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_CONSOLE_RIG_H
#define ARCVISOR_TESTS_VIRTIO_CONSOLE_RIG_H

#include "driver.h"
#include "virtio/console_internal.h"

#define CONSOLE_RIG_PORTS  2u
#define CONSOLE_RIG_QUEUES (2 * (CONSOLE_RIG_PORTS + 2))
#define CONSOLE_RIG_SIZE   16u
#define CONSOLE_RIG_DATA   (DRIVER_RAM_BASE + 0x100000u) /* free guest memory from here on */

struct console_rig {
	struct loop *loop;
	pthread_t thread;
	bool running;
	struct gmem mem;
	struct irq_line line;
	_Atomic unsigned int edges;
	unsigned int nr_consoles;
	struct console *consoles[CONSOLE_RIG_PORTS];
	char paths[CONSOLE_RIG_PORTS][64]; /* of sockets */
	struct vcon *vcon;
	struct virtio_mmio *mmio;
	struct driver_queue drivers[CONSOLE_RIG_QUEUES];
};

/* A terminal on such a console; or ports, each on a socket. The loop does not run yet. */
void console_rig_terminal(struct console_rig *rig, enum console_kind kind);
void console_rig_ports(struct console_rig *rig);
void console_rig_run(struct console_rig *rig);
void console_rig_halt(struct console_rig *rig);
void console_rig_fini(struct console_rig *rig); /* halts it too */

/* From reset to DRIVER_OK with all features but @without. */
void console_rig_start(struct console_rig *rig, uint64_t without);

uint32_t console_rig_get(struct console_rig *rig, uint64_t reg);
void console_rig_put(struct console_rig *rig, uint64_t reg, uint32_t val);
void *console_rig_host(struct console_rig *rig, gpa_t gpa);

/* Connects to the socket of port @index (0 or 1); a descriptor that waits. */
int console_rig_connect(struct console_rig *rig, unsigned int index);

/* The same with @flags of socket(2); -1: it cannot. */
int console_rig_try_connect(struct console_rig *rig, unsigned int index, int flags);

/* Offers one buffer at CONSOLE_RIG_DATA + @at and rings. */
void console_rig_offer(struct console_rig *rig, unsigned int queue, gpa_t at, uint32_t len,
		       bool write);

/* The next used buffer of @queue; waits for it. Its length. */
uint32_t console_rig_used(struct console_rig *rig, unsigned int queue);
bool console_rig_try_used(struct console_rig *rig, unsigned int queue, uint32_t *len);

/* A control message of the driver. */
void console_rig_control(struct console_rig *rig, uint32_t id, uint16_t event, uint16_t value);

#endif
