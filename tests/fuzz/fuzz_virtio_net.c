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

#include "virtio/net_internal.h"
#include "virtio_machine.h"

#define STEPS  200u
#define PAIRS  2u
#define QUEUES (2 * PAIRS + 1)

static struct {
	struct net net;
	int wire[PAIRS];
	struct vnet *vnet;
} rig;

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
	machine_init();
	fuzz_check(vnet_create(&rig.net, &rig.vnet) == 0);
	machine_add(vnet_device(rig.vnet));
}

static void destroy(void)
{
	virtio_mmio_destroy(machine.mmio);
	vnet_destroy(rig.vnet);
	gmem_fini(&machine.mem);
	for (unsigned int i = 0; i < PAIRS; i++) {
		close(rig.net.fds[i]);
		close(rig.wire[i]);
	}
}

/* What the driver leaves; not VIRTIO_F_VERSION_1, bit 32. */
static uint64_t features_left(struct fuzz_input *in)
{
	return fuzz_u64(in) & ~(1ull << 32);
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

	(void)gmem_write_obj(&machine.mem, near_ram(in), &header);
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
		write_desc(in, 32);
		break;
	case 4:
	case 5:
		offer(in, fuzz_upto(in, QUEUES - 1));
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

	make();
	bring_up(&in, features_left(&in), QUEUES);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	serve();
	check_reset(&in, features_left(&in), QUEUES);
	destroy();
	return 0;
}
