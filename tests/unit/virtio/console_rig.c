/* SPDX-License-Identifier: Apache-2.0 */
#include "console_rig.h"

#include <sched.h>
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

#define CONTROL_AT 0x80000u /* from CONSOLE_RIG_DATA on */

/* One rig at a time has a line. */
static struct console_rig *current;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&current->edges, 1);
	return 0;
}

static void quit(void *ctx)
{
	(void)ctx;
}

static void add_console(struct console_rig *rig, const struct console_config *config)
{
	NEED(console_create(rig->loop, config, quit, NULL, &rig->consoles[rig->nr_consoles]) == 0);
	rig->nr_consoles++;
}

static void prepare(struct console_rig *rig)
{
	static const struct backend_ops irq_ops = { .irq_set = count_edge };

	memset(rig, 0, sizeof(*rig));
	current = rig;
	NEED(loop_create(&rig->loop) == 0);
	gmem_init(&rig->mem);
	NEED(gmem_add(&rig->mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig->line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
}

static void make_transport(struct console_rig *rig)
{
	NEED(virtio_mmio_create(vcon_device(rig->vcon), &rig->mem, &rig->line, &rig->mmio) == 0);
}

void console_rig_terminal(struct console_rig *rig, enum console_kind kind)
{
	const struct console_config config = { .kind = kind };

	prepare(rig);
	add_console(rig, &config);
	NEED(vcon_create_terminal(rig->loop, rig->consoles[0], &rig->vcon) == 0);
	make_transport(rig);
}

void console_rig_ports(struct console_rig *rig)
{
	static const char *const names[CONSOLE_RIG_PORTS] = { "one", "another" };
	struct vcon_end ends[CONSOLE_RIG_PORTS];

	prepare(rig);
	for (unsigned int i = 0; i < CONSOLE_RIG_PORTS; i++) {
		const struct console_config config = { CONSOLE_SOCKET, rig->paths[i], names[i] };

		snprintf(rig->paths[i], sizeof(rig->paths[i]), "/tmp/vcon.%d.%u", (int)getpid(), i);
		add_console(rig, &config);
		ends[i] = (struct vcon_end){ rig->consoles[i], names[i] };
	}
	NEED(vcon_create_ports(rig->loop, ends, CONSOLE_RIG_PORTS, &rig->vcon) == 0);
	make_transport(rig);
}

static void *run_loop(void *arg)
{
	struct console_rig *rig = arg;

	NEED(loop_run(rig->loop) == 0);
	return NULL;
}

void console_rig_run(struct console_rig *rig)
{
	NEED(pthread_create(&rig->thread, NULL, run_loop, rig) == 0);
	rig->running = true;
}

void console_rig_halt(struct console_rig *rig)
{
	if (!rig->running)
		return;
	loop_stop(rig->loop);
	pthread_join(rig->thread, NULL);
	rig->running = false;
}

void console_rig_fini(struct console_rig *rig)
{
	console_rig_halt(rig);
	vcon_detach(rig->vcon);
	virtio_mmio_destroy(rig->mmio);
	vcon_destroy(rig->vcon);
	while (rig->nr_consoles)
		console_destroy(rig->consoles[--rig->nr_consoles]);
	gmem_fini(&rig->mem);
	loop_destroy(rig->loop);
}

void console_rig_start(struct console_rig *rig, uint64_t without)
{
	driver_start(rig->mmio, &rig->mem, rig->drivers, vcon_device(rig->vcon)->nr_queues,
		     CONSOLE_RIG_SIZE, without);
}

uint32_t console_rig_get(struct console_rig *rig, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(rig->mmio, reg, 4);
}

void console_rig_put(struct console_rig *rig, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig->mmio, reg, 4, val);
}

void *console_rig_host(struct console_rig *rig, gpa_t gpa)
{
	return gmem_slice(&rig->mem, gpa, 1);
}

int console_rig_try_connect(struct console_rig *rig, unsigned int index, int flags)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	strcpy(addr.sun_path, rig->paths[index]);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

int console_rig_connect(struct console_rig *rig, unsigned int index)
{
	int fd = console_rig_try_connect(rig, index, 0);

	NEED(fd >= 0);
	return fd;
}

void console_rig_offer(struct console_rig *rig, unsigned int queue, gpa_t at, uint32_t len,
		       bool write)
{
	const struct driver_buf buf = { CONSOLE_RIG_DATA + at, len, write };

	driver_offer(&rig->drivers[queue], driver_chain(&rig->drivers[queue], &buf, 1));
	console_rig_put(rig, 0x50, queue);
}

bool console_rig_try_used(struct console_rig *rig, unsigned int queue, uint32_t *len)
{
	struct virtq_used_elem elem;

	if (!driver_used(&rig->drivers[queue], &elem))
		return false;
	*len = elem.len;
	return true;
}

/* A test that waits in vain ends by its timeout. */
uint32_t console_rig_used(struct console_rig *rig, unsigned int queue)
{
	uint32_t len;

	while (!console_rig_try_used(rig, queue, &len))
		sched_yield();
	return len;
}

void console_rig_control(struct console_rig *rig, uint32_t id, uint16_t event, uint16_t value)
{
	const struct vcon_control message = { id, event, value };

	memcpy(console_rig_host(rig, CONSOLE_RIG_DATA + CONTROL_AT), &message, sizeof(message));
	console_rig_offer(rig, VCON_CONTROL_TX, CONTROL_AT, sizeof(message), false);
	(void)console_rig_used(rig, VCON_CONTROL_TX);
}
