/* SPDX-License-Identifier: Apache-2.0 */
#include "disk_rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rig rig;

static void make_disk(bool direct, enum disk_mode mode)
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
	rig.config = (struct disk_config){
		.path = rig.path, .id = "disk0", .direct = direct, .discard = true, .mode = mode
	};
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
}

bool rig_init(enum blk_engine engine, bool direct, enum disk_mode mode)
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
	make_disk(direct, mode);
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

void rig_fini(void)
{
	if (rig.blk)
		hvc_blk_drain(rig.blk, 0);
	hvc_blk_destroy(rig.blk);
	close(rig.line.eventfd);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
	unlink(rig.path);
}

int64_t rig_call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	struct hvc_blk_mmio_call *block = gmem_slice(&rig.mem, CALL, sizeof(*block));

	*block = (struct hvc_blk_mmio_call){ .function = function, .x = { x1, x2, x3, x4 } };
	hvc_blk_mmio_ops.write(rig.blk, HVC_BLK_MMIO_CALL, 8, CALL);
	return (int64_t)block->ret[0];
}

void rig_open(unsigned int flags)
{
	struct hvc_blk_queue_config config = hvc_queue_at(HEADER, ENTRIES);

	config.flags = (uint16_t)flags;
	gmem_write_obj(&rig.mem, CONFIG, &config);
	cr_assert_eq(rig_call(HVC_BLK_QUEUE_SETUP, CONFIG, sizeof(config), 0, 0), 0);
	cr_assert_eq(rig_call(HVC_BLK_QUEUE_CTRL, 0, HVC_BLK_CTRL_ENABLE, 0, 0), 0);
}

void rig_put(unsigned int op, unsigned int tag, uint64_t sector, gpa_t gpa, uint32_t bytes)
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

bool rig_get(struct hvc_blk_cqe *cqe)
{
	uint32_t head = rig.header->cq_head;

	if (head == __atomic_load_n(&rig.header->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*cqe = rig.cq[head % ENTRIES];
	__atomic_store_n(&rig.header->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

void rig_interrupt(void)
{
	struct pollfd fd = { .fd = rig.line.eventfd, .events = POLLIN };
	eventfd_t value;

	cr_assert_eq(poll(&fd, 1, 60000), 1, "no interrupt");
	eventfd_read(rig.line.eventfd, &value);
}

void rig_finish(unsigned int count)
{
	struct hvc_blk_cqe cqe;

	cr_assert_eq((uint32_t)hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8), 0);
	for (;;) {
		for (; count && rig_get(&cqe); count--)
			cr_assert_eq(cqe.status, HVC_BLK_OK, "status %u of %u", cqe.status,
				     cqe.tag);
		if (!count)
			return;
		rig_interrupt();
		hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_REAP, 8);
	}
}

void rig_fill(uint8_t *bytes, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 511 + seed);
}
