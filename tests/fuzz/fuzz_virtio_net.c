/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device: the input is what a driver writes into guest memory and into registers, and
 * what comes by the wire. The host end is a pair of sockets that keep packets apart; nothing is
 * asked of a kernel's KVM or its taps. What reaches the wire must be as the header's rules say.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "input.h"
#include "virtio/mmio.h"
#include "virtio/net_internal.h"

#define RAM_BASE 0x40000000u
#define RAM_SIZE (256u << 10)
#define STEPS	 200u
#define PAIRS	 2u
#define QUEUES	 (2 * PAIRS + 1)

static struct {
	struct gmem mem;
	struct net net;
	int wire[PAIRS];
	struct irq_line line;
	struct vnet *vnet;
	struct virtio_mmio *mmio;
} rig;

static int no_irq(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = no_irq };

static int set_offloads(struct net *net, uint32_t offloads)
{
	fuzz_check(!(offloads & ~net->offloads));
	return 0;
}

static int set_queues(struct net *net, unsigned int queues)
{
	fuzz_check(queues >= 1 && queues <= net->nr_queues);
	return 0;
}

static bool is_gone(struct net *net, unsigned int queue)
{
	fuzz_check(queue < net->nr_queues);
	return false;
}

static const struct net_ops net_ops = {
	.set_offloads = set_offloads,
	.set_queues = set_queues,
	.is_gone = is_gone,
};

static void make(void)
{
	rig.net = (struct net){
		.ops = &net_ops,
		.id = "fuzz",
		.kind = "socket",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.nr_queues = PAIRS,
		.offloads = 0x3f,
	};
	for (unsigned int i = 0; i < PAIRS; i++) {
		int ends[2];

		fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
				      ends) == 0);
		rig.net.fds[i] = ends[0];
		rig.wire[i] = ends[1];
	}
	gmem_init(&rig.mem);
	fuzz_check(gmem_add(&rig.mem, RAM_BASE, RAM_SIZE) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	fuzz_check(vnet_create(&rig.net, &rig.vnet) == 0);
	fuzz_check(virtio_mmio_create(vnet_device(rig.vnet), &rig.mem, &rig.line, &rig.mmio) == 0);
}

static void destroy(void)
{
	virtio_mmio_destroy(rig.mmio);
	vnet_destroy(rig.vnet);
	gmem_fini(&rig.mem);
	for (unsigned int i = 0; i < PAIRS; i++) {
		close(rig.net.fds[i]);
		close(rig.wire[i]);
	}
}

static void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig.mmio, reg, 4, val);
}

/* As a driver does it; what it takes and where its queues lie is the input's. */
static void bring_up(struct fuzz_input *in)
{
	uint64_t without = fuzz_u64(in);

	put(0x70, 0);
	put(0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x14, half);
		put(0x24, half);
		put(0x20, (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x10, 4) &
				  ~(uint32_t)(half ? (without >> 32) & ~1u : without));
	}
	put(0x70, 0xb);
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		gpa_t base = RAM_BASE + queue * 0x4000 + (fuzz_u8(in) & 0x3) * 0x1000;

		put(0x30, queue);
		put(0x38, 1u << (fuzz_u8(in) % 9));
		put(0x80, (uint32_t)base);
		put(0x90, (uint32_t)base + 0x1000);
		put(0xa0, (uint32_t)base + 0x2000);
		put(0x44, 1);
	}
	put(0x70, 0xf);
}

/* Most guest addresses that a fuzzer makes up are none: these are near RAM. */
static gpa_t near_ram(struct fuzz_input *in)
{
	uint32_t val = fuzz_u32(in);

	return val & 0x80000000u ? fuzz_u64(in) : RAM_BASE + val % (RAM_SIZE + 0x1000);
}

static void write_memory(struct fuzz_input *in)
{
	uint8_t bytes[64];
	gpa_t at = near_ram(in);
	unsigned int len = fuzz_upto(in, sizeof(bytes));

	fuzz_take(in, bytes, len);
	(void)gmem_write(&rig.mem, at, bytes, len);
}

/* A descriptor that is likely to be right. */
static void write_desc(struct fuzz_input *in)
{
	struct virtq_desc desc = { .addr = near_ram(in) };
	gpa_t table = RAM_BASE + fuzz_upto(in, 31) * 0x1000;
	unsigned int slot = fuzz_u8(in);

	desc.len = fuzz_u8(in) & 1 ? fuzz_u32(in) : fuzz_u8(in) * 16u;
	desc.flags = fuzz_u8(in) & 7;
	desc.next = fuzz_u8(in);
	(void)gmem_write_obj(&rig.mem, table + slot * sizeof(desc), &desc);
}

/* A header as it may be, or a command. */
static void write_header(struct fuzz_input *in)
{
	struct vnet_header header = {
		.flags = fuzz_u8(in),
		.gso_type = fuzz_u8(in) & 0x87,
		.hdr_len = fuzz_u8(in),
		.gso_size = fuzz_u8(in),
		.csum_start = fuzz_u8(in),
		.csum_offset = fuzz_u8(in),
	};

	(void)gmem_write_obj(&rig.mem, near_ram(in), &header);
}

static void offer(struct fuzz_input *in)
{
	unsigned int queue = fuzz_upto(in, QUEUES - 1);
	gpa_t avail = RAM_BASE + queue * 0x4000 + 0x1000 + fuzz_upto(in, 3) * 0x1000;
	unsigned int nr = fuzz_upto(in, 8);
	uint16_t idx = 0;

	(void)gmem_read16(&rig.mem, avail + 2, &idx);
	(void)gmem_write16(&rig.mem, avail + 4 + 2 * (fuzz_u8(in) & 0x1f), fuzz_u8(in));
	(void)gmem_write16(&rig.mem, avail + 2, (uint16_t)(idx + nr));
	put(0x50, queue);
}

static void access_register(struct fuzz_input *in)
{
	static const uint8_t lens[] = { 1, 2, 4, 8 };
	unsigned int len = lens[fuzz_upto(in, 3)];
	uint64_t reg = fuzz_u8(in) * 4 % (VIRTIO_MMIO_SIZE - 8) + (fuzz_u8(in) & 1);
	uint64_t val = fuzz_u8(in) & 1 ? near_ram(in) : fuzz_u8(in);

	virtio_mmio_ops.write(rig.mmio, reg, len, val);
	(void)virtio_mmio_ops.read(rig.mmio, reg, len);
}

static void arrive(struct fuzz_input *in)
{
	static uint8_t packet[NET_HEADER_SIZE + NET_MAX_FRAME + 64];
	unsigned int pair = fuzz_upto(in, PAIRS - 1);
	size_t len = fuzz_u8(in) & 1 ? fuzz_u32(in) % sizeof(packet) : fuzz_u8(in) * 8u;

	fuzz_take(in, packet, 32);
	(void)send(rig.wire[pair], packet, len, 0);
}

/* What came through is as the device promises it to the host. */
static void look_at_wire(unsigned int pair)
{
	static uint8_t packet[NET_HEADER_SIZE + NET_MAX_FRAME + 1];
	struct vnet_header header;
	ssize_t n;

	while ((n = recv(rig.wire[pair], packet, sizeof(packet), 0)) > 0) {
		size_t len = (size_t)n - sizeof(header);

		fuzz_check((size_t)n >= sizeof(header) + NET_MIN_FRAME);
		fuzz_check((size_t)n <= sizeof(header) + NET_MAX_FRAME);
		memcpy(&header, packet, sizeof(header));
		fuzz_check(!(header.flags & ~VNET_HDR_NEEDS_CSUM) && !header.num_buffers);
		if (header.flags)
			fuzz_check(header.csum_start + header.csum_offset + 2u <= len);
		else
			fuzz_check(!header.csum_start && !header.csum_offset);
		if (header.gso_type)
			fuzz_check(header.flags && header.gso_size && header.hdr_len <= len);
	}
}

static void serve(void)
{
	bool gone = false;

	for (unsigned int i = 0; i < PAIRS; i++) {
		struct vnet_pair *pair = &rig.vnet->pairs[i];

		if (!atomic_load(&rig.vnet->started) || i >= atomic_load(&rig.vnet->active))
			continue;
		vnet_receive(pair, &gone);
		vnet_transmit(pair, &gone);
		vnet_receive_rings(pair, true);
		vnet_transmit_rings(pair, true);
		look_at_wire(i);
	}
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 8)) {
	case 0:
		write_memory(in);
		break;
	case 1:
		write_header(in);
		break;
	case 2:
	case 3:
		write_desc(in);
		break;
	case 4:
	case 5:
		offer(in);
		break;
	case 6:
		access_register(in);
		break;
	case 7:
		arrive(in);
		break;
	default:
		serve();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint32_t status;

	make();
	bring_up(&in);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	serve();
	/* Whatever it did, a reset makes a device of it again. */
	bring_up(&in);
	status = (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x70, 4);
	fuzz_check((status & ~0x40u) == 0xf);
	destroy();
	return 0;
}
