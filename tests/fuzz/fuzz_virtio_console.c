/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console device, as a terminal or with ports: the input is what a driver writes into guest
 * memory and into registers, and what host ends bring. These are consoles that go nowhere; how much
 * input is offered, and when they say that there is room, is the input's.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include "virtio/console_internal.h"
#include "virtio_machine.h"

#define STEPS 200u
#define PORTS 2u
#define PAGES 32u

static struct {
	struct loop *loop;
	struct console *consoles[PORTS];
	unsigned int nr_consoles;
	struct vcon *vcon;
	unsigned int queues;
} rig;

static void quit(void *ctx)
{
	(void)ctx;
}

static void add_console(void)
{
	const struct console_config config = { .kind = CONSOLE_NONE };

	fuzz_check(console_create(rig.loop, &config, quit, NULL,
				  &rig.consoles[rig.nr_consoles++]) == 0);
}

static void make(bool terminal)
{
	struct vcon_end ends[PORTS];

	memset(&rig, 0, sizeof(rig));
	fuzz_check(loop_create(&rig.loop) == 0);
	machine_init();
	add_console();
	if (terminal) {
		fuzz_check(vcon_create_terminal(rig.loop, rig.consoles[0], &rig.vcon) == 0);
	} else {
		add_console();
		ends[0] = (struct vcon_end){ rig.consoles[0], "a" };
		ends[1] = (struct vcon_end){ rig.consoles[1], "with.a.longer.name" };
		fuzz_check(vcon_create_ports(rig.loop, ends, PORTS, &rig.vcon) == 0);
	}
	rig.queues = vcon_device(rig.vcon)->nr_queues;
	machine_add(vcon_device(rig.vcon));
}

static void destroy(void)
{
	vcon_detach(rig.vcon);
	virtio_mmio_destroy(machine.mmio);
	vcon_destroy(rig.vcon);
	while (rig.nr_consoles)
		console_destroy(rig.consoles[--rig.nr_consoles]);
	gmem_fini(&machine.mem);
	loop_destroy(rig.loop);
}

/* What the driver leaves; not VIRTIO_F_VERSION_1, bit 32. */
static uint64_t features_left(struct fuzz_input *in)
{
	return fuzz_u64(in) & ~(1ull << 32);
}

/* A port that has a host end. */
static struct vcon_port *any_port(struct fuzz_input *in)
{
	return &rig.vcon->ports[rig.vcon->terminal ? 0 : 1 + fuzz_upto(in, PORTS - 1)];
}

/* What is taken is no more than what there was, and only by one who has it open. */
static void arrive(struct fuzz_input *in)
{
	static const uint8_t bytes[4096];
	struct vcon_port *port = any_port(in);
	size_t len = fuzz_u8(in) * 16u + 1, taken;
	struct vcon_stats before, after;

	vcon_get_stats(rig.vcon, port->id - !rig.vcon->terminal, &before);
	taken = port->sink.input(port->sink.ctx, bytes, len);
	vcon_get_stats(rig.vcon, port->id - !rig.vcon->terminal, &after);
	fuzz_check(taken <= len && after.rx_bytes - before.rx_bytes == taken);
	fuzz_check(!taken || before.open);
}

static void happen(struct fuzz_input *in)
{
	struct vcon_port *port = any_port(in);

	switch (fuzz_upto(in, 2)) {
	case 0:
		port->sink.drained(port->sink.ctx);
		break;
	case 1:
		port->host_open = fuzz_u8(in) & 1; /* so that it changes */
		port->sink.connected(port->sink.ctx);
		break;
	default:
		rig.vcon->wake.callback(rig.vcon->wake.ctx);
		break;
	}
}

static void write_message(struct fuzz_input *in)
{
	const struct vcon_control message = {
		.id = fuzz_u8(in) & 3,
		.event = fuzz_u8(in) & 7,
		.value = fuzz_u8(in) & 1,
	};

	(void)gmem_write_obj(&machine.mem, near_ram(in), &message);
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 8)) {
	case 0:
		write_memory(in);
		break;
	case 1:
		write_message(in);
		break;
	case 2:
	case 3:
		write_desc(in, PAGES);
		break;
	case 4:
	case 5:
		offer(in, fuzz_upto(in, rig.queues - 1));
		break;
	case 6:
		access_register(in);
		break;
	case 7:
		arrive(in);
		break;
	default:
		happen(in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	make(fuzz_u8(&in) & 1);
	bring_up(&in, features_left(&in), rig.queues);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	check_reset(&in, features_left(&in), rig.queues);
	destroy();
	return 0;
}
