/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block service over the real block layer and a real file: by io_uring where this machine lets
 * us, and by threads. What tests/unit/hvc leaves to a fake.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/backend.h"
#include "hvc/hvc_blk.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE 0x200000ull
#define CALL	 RAM_BASE
#define CONFIG	 (RAM_BASE + 0x1000)
#define HEADER	 (RAM_BASE + 0x2000)
#define SQ	 (RAM_BASE + 0x3000)
#define CQ	 (RAM_BASE + 0x5000)
#define DATA	 (RAM_BASE + 0x100000)
#define ENTRIES	 64u
#define SIZE	 (4 << 20)

struct rig {
	char path[256];
	struct disk_config config;
	struct disk *disk;
	struct gmem mem;
	struct irq_line line;
	struct hvc_blk *blk;
	struct hvc_blk_header *header;
	struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;
};

static struct rig rig;

static void make_disk(bool direct)
{
	ssize_t n = readlink("/proc/self/exe", rig.path, sizeof(rig.path) - 16);
	int fd;

	/* Beside the test: /tmp may be of a kind that takes no direct I/O. */
	cr_assert_gt(n, 0);
	strcpy(rig.path + n, "-XXXXXX");
	fd = mkstemp(rig.path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, SIZE), 0);
	close(fd);
	rig.config = (struct disk_config){ .path = rig.path, .id = "disk0", .direct = direct };
	rig.config.discard = true;
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
}

/* False where this machine has no such engine. */
static bool rig_init(enum blk_engine engine, bool direct)
{
	struct hvc_blk_config config = {
		.mem = &rig.mem,
		.nr_vcpus = 1,
		.disks = &rig.disk,
		.nr_disks = 1,
		.engine = engine,
		.lines = &rig.line,
		.has_mmio = true,
	};
	int ret;

	memset(&rig, 0, sizeof(rig));
	make_disk(direct);
	gmem_init(&rig.mem);
	cr_assert_eq(gmem_add(&rig.mem, RAM_BASE, RAM_SIZE), 0);
	irq_line_init(&rig.line, NULL, NULL, 40, IRQ_EDGE_RISING);
	rig.line.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(hvc_blk_create(&config, &rig.blk), 0);
	ret = hvc_blk_open(rig.blk);
	if (ret == 0)
		ret = hvc_blk_attach(rig.blk, 0);
	cr_assert(ret == 0 || engine == BLK_ENGINE_URING, "%s", strerror(-ret));
	rig.header = gmem_slice(&rig.mem, HEADER, sizeof(*rig.header));
	rig.sq = gmem_slice(&rig.mem, SQ, ENTRIES * sizeof(*rig.sq));
	rig.cq = gmem_slice(&rig.mem, CQ, ENTRIES * sizeof(*rig.cq));
	return ret == 0;
}

static void rig_fini(void)
{
	hvc_blk_drain(rig.blk, 0);
	hvc_blk_destroy(rig.blk);
	close(rig.line.eventfd);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
	unlink(rig.path);
}

static int64_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	struct hvc_blk_mmio_call *block = gmem_slice(&rig.mem, CALL, sizeof(*block));

	*block = (struct hvc_blk_mmio_call){ .function = function, .x = { x1, x2, x3, x4 } };
	hvc_blk_mmio_ops.write(rig.blk, HVC_BLK_MMIO_CALL, 8, CALL);
	return (int64_t)block->ret[0];
}

static void open_queue(void)
{
	struct hvc_blk_queue_config config = {
		.sq_entries = ENTRIES,
		.cq_entries = ENTRIES,
		.header = HEADER,
		.sq = SQ,
		.cq = CQ,
	};

	gmem_write_obj(&rig.mem, CONFIG, &config);
	cr_assert_eq(call(HVC_BLK_QUEUE_SETUP, CONFIG, sizeof(config), 0, 0), 0);
	cr_assert_eq(call(HVC_BLK_QUEUE_CTRL, 0, HVC_BLK_CTRL_ENABLE, 0, 0), 0);
}

static void put(unsigned int op, unsigned int tag, uint64_t sector, gpa_t gpa, uint32_t bytes)
{
	rig.sq[rig.header->sq_tail % ENTRIES] = (struct hvc_blk_sqe){
		.op = (uint8_t)op,
		.tag = (uint16_t)tag,
		.nseg = bytes ? 1 : 0,
		.sector = sector,
		.nr_sectors = bytes / 512,
		.seg[0] = { bytes ? gpa : 0, bytes, 0 },
	};
	__atomic_store_n(&rig.header->sq_tail, rig.header->sq_tail + 1, __ATOMIC_RELEASE);
}

/*
 * As a guest does: rings, looks, and where something is missing waits for the interrupt, which
 * must come, and calls REAP.
 */
static void finish(unsigned int count)
{
	struct pollfd fd = { .fd = rig.line.eventfd, .events = POLLIN };
	eventfd_t value;

	cr_assert_eq((uint32_t)hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8), 0);
	for (;;) {
		while (count && rig.header->cq_head != rig.header->cq_tail) {
			struct hvc_blk_cqe *cqe = &rig.cq[rig.header->cq_head % ENTRIES];

			cr_assert_eq(cqe->status, HVC_BLK_OK, "status %u of %u", cqe->status,
				     cqe->tag);
			rig.header->cq_head++;
			count--;
		}
		if (!count)
			return;
		cr_assert_eq(poll(&fd, 1, 30000), 1, "no interrupt, %u missing", count);
		eventfd_read(rig.line.eventfd, &value);
		hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_REAP, 8);
	}
}

static void fill(uint8_t *bytes, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 511 + seed);
}

static void versions(enum blk_engine engine, bool direct)
{
	uint8_t *data, *copy;

	if (!rig_init(engine, direct)) {
		rig_fini();
		cr_skip_test("no io_uring here");
	}
	data = gmem_slice(&rig.mem, DATA, 1 << 19);
	copy = gmem_slice(&rig.mem, DATA + (1 << 19), 1 << 19);
	fill(data, 1 << 19, 1);
	cr_expect_eq(call(HVC_BLK_WRITE, 0, 8, DATA, 1 << 19), 1 << 19);
	cr_expect_eq(call(HVC_BLK_FLUSH, 0, 0, 0, 0), 0);
	cr_expect_eq(call(HVC_BLK_READ, 0, 8, DATA + (1 << 19), 1 << 19), 1 << 19);
	cr_expect_arr_eq(data, copy, 1 << 19);
	cr_expect_eq(call(HVC_BLK_READ, 0, SIZE / 512, DATA, 512), -ERANGE);

	open_queue();
	fill(data, 1 << 19, 2);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < ENTRIES; i++)
			put(HVC_BLK_OP_WRITE, i, i * 8ull, DATA + i * 4096ull, 4096);
		finish(ENTRIES);
		put(HVC_BLK_OP_FLUSH, 0, 0, 0, 0);
		finish(1);
		memset(copy, 0, 1 << 18);
		for (unsigned int i = 0; i < ENTRIES; i++)
			put(HVC_BLK_OP_READ, i, i * 8ull, DATA + (1 << 19) + i * 4096ull, 4096);
		finish(ENTRIES);
		cr_assert_arr_eq(data, copy, 1 << 18);
		fill(data, 1 << 18, round);
	}
	/* Depth 1: each is told, or found at once. */
	for (unsigned int i = 0; i < 500; i++) {
		put(i % 5 ? HVC_BLK_OP_READ : HVC_BLK_OP_FLUSH, i, 0, DATA, i % 5 ? 4096 : 0);
		finish(1);
	}
	rig_fini();
}

Test(hvc_disk, threads_cached)
{
	versions(BLK_ENGINE_SYNC, false);
}

Test(hvc_disk, threads_direct)
{
	versions(BLK_ENGINE_SYNC, true);
}

Test(hvc_disk, io_uring_cached)
{
	versions(BLK_ENGINE_URING, false);
}

Test(hvc_disk, io_uring_direct)
{
	versions(BLK_ENGINE_URING, true);
}

/* Reset in mid-flight: when the drain returns, memory is nobody's but the guest's. */
Test(hvc_disk, nothing_is_written_after_a_drain)
{
	uint8_t *data, *copy;

	cr_assert(rig_init(BLK_ENGINE_AUTO, false));
	open_queue();
	data = gmem_slice(&rig.mem, DATA, 1 << 18);
	for (unsigned int i = 0; i < ENTRIES; i++)
		put(HVC_BLK_OP_READ, i, i * 8ull, DATA + i * 4096ull, 4096);
	hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8);
	hvc_blk_drain(rig.blk, 0);
	cr_expect_eq(rig.header->cq_tail, ENTRIES);
	memset(data, 0x77, 1 << 18);
	copy = malloc(RAM_SIZE);
	memcpy(copy, gmem_slice(&rig.mem, RAM_BASE, RAM_SIZE), RAM_SIZE);
	hvc_blk_destroy(rig.blk);
	rig.blk = NULL;
	cr_expect_arr_eq(copy, gmem_slice(&rig.mem, RAM_BASE, RAM_SIZE), RAM_SIZE);
	free(copy);
	close(rig.line.eventfd);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
	unlink(rig.path);
}
