/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket device: the input is what a driver writes into guest memory and into registers, and
 * what programs of the host do with their unix sockets. Whatever comes, no connection holds more
 * than its buffer, none is lost, and a reset leaves none.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "virtio/vsock_internal.h"
#include "virtio_machine.h"

#define STEPS	  200u
#define CONNS	  6u
#define PROGRAMS  8u
#define LISTENERS 2u /* at ports 1 and 2 */
#define CID	  3u
#define DATA	  (RAM_BASE + 16 * PAGE) /* buffers for packets that come, a page each */
#define PACKETS	  (RAM_BASE + 32 * PAGE) /* packets that go */

static struct {
	char folder[32], path[48];
	struct vsock *host;
	struct vvsock *vvsock;
	int listeners[LISTENERS];
	int programs[PROGRAMS]; /* -1: none */
	unsigned int next;	/* of them */
	uint16_t slots[VVSOCK_QUEUES];
} rig;

/* ---- the rig --------------------------------------------------------------------------------- */

static struct sockaddr_un address(int port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (port)
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s_%d", rig.path, port);
	else
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", rig.path);
	return addr;
}

static int make_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	fuzz_check(fd >= 0);
	return fd;
}

static void make(void)
{
	struct vsock_config config = { .cid = CID, .path = rig.path };

	memset(&rig, 0, sizeof(rig));
	strcpy(rig.folder, "/tmp/fuzz_vsock.XXXXXX");
	fuzz_check(mkdtemp(rig.folder));
	snprintf(rig.path, sizeof(rig.path), "%s/v", rig.folder);
	fuzz_check(vsock_open(&config, &rig.host) == 0);
	rig.host->max_connections = CONNS;
	for (int i = 0; i < (int)LISTENERS; i++) {
		const struct sockaddr_un addr = address(i + 1);

		rig.listeners[i] = make_socket();
		fuzz_check(bind(rig.listeners[i], (const struct sockaddr *)&addr, sizeof(addr)) ==
			   0);
		fuzz_check(listen(rig.listeners[i], 8) == 0);
	}
	for (unsigned int i = 0; i < PROGRAMS; i++)
		rig.programs[i] = -1;
	machine_init();
	fuzz_check(vvsock_create(rig.host, &rig.vvsock) == 0);
	machine_add(vvsock_device(rig.vvsock));
}

static void close_program(unsigned int index)
{
	if (rig.programs[index] >= 0)
		close(rig.programs[index]);
	rig.programs[index] = -1;
}

static void destroy(void)
{
	virtio_mmio_destroy(machine.mmio);
	vvsock_destroy(rig.vvsock);
	gmem_fini(&machine.mem);
	for (unsigned int i = 0; i < PROGRAMS; i++)
		close_program(i);
	for (int i = 0; i < (int)LISTENERS; i++) {
		close(rig.listeners[i]);
		unlink(address(i + 1).sun_path);
	}
	vsock_close(rig.host);
	fuzz_check(rmdir(rig.folder) == 0);
}

/* ---- a driver that is likely to be right ----------------------------------------------------- */

static gpa_t area(unsigned int queue, unsigned int page)
{
	return RAM_BASE + (queue * QUEUE_PAGES + page) * PAGE;
}

static void start(struct fuzz_input *in)
{
	negotiate(fuzz_u64(in) & ~(1ull << 32));
	for (unsigned int queue = 0; queue < VVSOCK_QUEUES; queue++) {
		static const uint8_t zero[PAGE];

		(void)gmem_write(&machine.mem, area(queue, 1), zero, PAGE);
		put(0x30, queue);
		put(0x38, 64);
		put(0x80, (uint32_t)area(queue, 0));
		put(0x90, (uint32_t)area(queue, 1));
		put(0xa0, (uint32_t)area(queue, 2));
		put(0x44, 1);
		rig.slots[queue] = 0;
	}
	put(0x70, 0xf);
}

static void give(unsigned int queue, gpa_t addr, uint32_t len, uint16_t flags)
{
	uint16_t slot = rig.slots[queue]++;
	const struct virtq_desc desc = { .addr = addr, .len = len, .flags = flags };

	(void)gmem_write_obj(&machine.mem, area(queue, 0) + slot % 64 * sizeof(desc), &desc);
	(void)gmem_write16(&machine.mem, area(queue, 1) + 4 + slot % 64 * 2u, slot % 64);
	(void)gmem_write16(&machine.mem, area(queue, 1) + 2, rig.slots[queue]);
	put(0x50, queue);
}

static void give_buffers(struct fuzz_input *in)
{
	unsigned int nr = fuzz_upto(in, 16);

	while (nr--)
		give(VVSOCK_RX, DATA + rig.slots[VVSOCK_RX] % 16u * PAGE, PAGE, VIRTQ_DESC_F_WRITE);
	give(VVSOCK_EVENT, RAM_BASE + 12 * PAGE, 8, VIRTQ_DESC_F_WRITE);
}

/* Ports of the host are those of listeners, or of programs that came. */
static void send_packet(struct fuzz_input *in)
{
	gpa_t at = PACKETS + rig.slots[VVSOCK_TX] % 2u * 14 * PAGE;
	uint8_t port = fuzz_u8(in), odd = fuzz_u8(in);
	struct vvsock_header header = {
		.src_cid = CID,
		.dst_cid = VVSOCK_CID_HOST,
		.src_port = port & 3,
		.dst_port = port & 0x80 ? VVSOCK_FIRST_PORT + (port >> 4 & 7) : port >> 4 & 3,
		.len = fuzz_u8(in) * 211u,
		.type = VVSOCK_TYPE_STREAM,
		.op = fuzz_u8(in) % 9,
		.flags = fuzz_u8(in),
		.buf_alloc = fuzz_u8(in) * 512u,
		.fwd_cnt = fuzz_u8(in) * 16u,
	};
	uint32_t payload = header.len;

	if (odd & 1)
		header.src_cid = fuzz_u8(in);
	if (odd & 2)
		header.type = fuzz_u8(in);
	if (odd & 4)
		payload = fuzz_u8(in);
	if (odd & 8)
		header.len = fuzz_u32(in);
	(void)gmem_write_obj(&machine.mem, at, &header);
	give(VVSOCK_TX, at, (uint32_t)sizeof(header) + payload, 0);
}

/* ---- programs of the host -------------------------------------------------------------------- */

static void keep_program(int fd)
{
	if (fd < 0)
		return;
	close_program(rig.next);
	rig.programs[rig.next] = fd;
	rig.next = (rig.next + 1) % PROGRAMS;
}

static void come(struct fuzz_input *in)
{
	const struct sockaddr_un addr = address(0);
	char line[40];
	int fd = make_socket(), len;

	if (fuzz_u8(in) & 1)
		len = snprintf(line, sizeof(line), "CONNECT %u\nmore", fuzz_u8(in) & 3);
	else
		fuzz_take(in, line, (size_t)(len = (int)fuzz_upto(in, sizeof(line))));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		(void)send(fd, line, (size_t)len, MSG_NOSIGNAL);
	keep_program(fd);
}

static void act(struct fuzz_input *in)
{
	static uint8_t bytes[65536];
	unsigned int index = fuzz_upto(in, PROGRAMS - 1);
	uint8_t what = fuzz_u8(in);
	int fd = rig.programs[index];

	if (fd < 0)
		keep_program(accept4(rig.listeners[what % LISTENERS], NULL, NULL,
				     SOCK_CLOEXEC | SOCK_NONBLOCK));
	else if (what < 100)
		(void)send(fd, bytes, what * 600u, MSG_NOSIGNAL);
	else if (what < 200)
		(void)recv(fd, bytes, (what - 99u) * 600u, 0);
	else if (what < 220)
		shutdown(fd, what % 3);
	else
		close_program(index);
}

/* ---- what holds ------------------------------------------------------------------------------ */

static void check_table(void)
{
	const struct vvsock *vvsock = rig.vvsock;
	unsigned int used = 0, hellos = 0;

	for (unsigned int i = 0; i < vvsock->nr_conns; i++) {
		const struct vvsock_conn *conn = &vvsock->conns[i];

		used += conn->state != VVSOCK_FREE;
		hellos += conn->state == VVSOCK_HELLO;
		fuzz_check(conn->held <= VVSOCK_BUFFER && conn->at < VVSOCK_BUFFER);
		fuzz_check((conn->state == VVSOCK_FREE) <= (conn->fd < 0));
		if (!conn->named)
			continue;
		fuzz_check(conn->state != VVSOCK_FREE && conn->state != VVSOCK_LINGER);
		fuzz_check(vvsock_table_find(vvsock, conn->guest_port, conn->host_port) == conn);
	}
	fuzz_check(used == atomic_load(&vvsock->nr_used) && hellos == vvsock->nr_hellos);
	fuzz_check(vvsock->nr_strays <= VVSOCK_STRAYS);
}

static void serve(void)
{
	for (unsigned int i = 0; i < 16 && vvsock_serve(rig.vvsock); i++)
		check_table();
	(void)vvsock_rings(rig.vvsock, true);
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 15)) {
	case 0:
		write_memory(in);
		break;
	case 1:
		write_desc(in, 12);
		break;
	case 2:
		offer(in, fuzz_upto(in, VVSOCK_QUEUES - 1));
		break;
	case 3:
		access_register(in);
		break;
	case 4:
		vvsock_interrupt_all(rig.vvsock);
		break;
	case 5:
		start(in);
		break;
	case 6:
		come(in);
		break;
	case 7:
	case 8:
	case 9:
		act(in);
		break;
	case 10:
		give_buffers(in);
		break;
	case 11:
	case 12:
	case 13:
		send_packet(in);
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
	start(&in);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	serve();
	check_reset(&in, 0, VVSOCK_QUEUES);
	put(0x70, 0);
	check_table();
	fuzz_check(atomic_load(&rig.vvsock->nr_used) == 0);
	destroy();
	return 0;
}
