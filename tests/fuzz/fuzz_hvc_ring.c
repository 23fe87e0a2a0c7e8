/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer of rings: requests, indexes and flags by the input, in rings that are right. */
#include "../hvc_queue.h"
#include "hvc_machine.h"

#define HEADER	RAM_BASE
#define SQ	(HEADER + HVC_QUEUE_SQ)
#define CONFIG	(RAM_BASE + 0x3000)
#define BLOCK	(RAM_BASE + 0x3800)
#define ENTRIES 8u

static uint64_t open_queue(unsigned int dev)
{
	struct hvc_blk_queue_config config = hvc_queue_at(HEADER, ENTRIES);
	uint64_t args[6] = { CONFIG, sizeof(config) };
	int64_t id;

	config.dev = (uint16_t)dev;
	gmem_write_obj(&machine.mem, CONFIG, &config);
	id = machine_call(BLOCK, HVC_BLK_QUEUE_SETUP, args);
	fuzz_check(id == 0);
	args[0] = 0;
	args[1] = HVC_BLK_CTRL_ENABLE;
	fuzz_check(machine_call(BLOCK, HVC_BLK_QUEUE_CTRL, args) == 0);
	return 0;
}

/* A request that is mostly right, and a table behind it. */
static void put(struct fuzz_input *in)
{
	struct hvc_blk_header *header = gmem_slice(&machine.mem, HEADER, sizeof(*header));
	struct hvc_blk_sqe sqe = { .op = fuzz_u8(in) % 7, .flags = fuzz_u8(in) & 0x1f };
	uint32_t len = fuzz_u8(in) < 230 ? (fuzz_u8(in) % 9 + 1) * 512u : fuzz_u32(in);

	sqe.tag = fuzz_u8(in);
	sqe.nseg = fuzz_u8(in) < 230 ? fuzz_u8(in) % 4 : (uint16_t)fuzz_u32(in);
	sqe.sector = fuzz_u8(in) < 230 ? fuzz_u32(in) % 2100 : fuzz_u64(in);
	sqe.seg[0] = (struct hvc_blk_segment){ machine_gpa(in), len, 0 };
	if (sqe.nseg > 1)
		sqe.seg[1] = (struct hvc_blk_segment){ machine_gpa(in), len, 0 };
	if (sqe.flags & HVC_BLK_SQE_INDIRECT) {
		for (unsigned int i = 0; i < sqe.nseg && i < 4; i++) {
			struct hvc_blk_segment seg = { machine_gpa(in), len, 0 };

			gmem_write_obj(&machine.mem, sqe.seg[0].gpa + i * sizeof(seg), &seg);
		}
		sqe.seg[0].len = sqe.nseg * 16u;
		sqe.seg[1] = (struct hvc_blk_segment){ 0 };
	}
	sqe.nr_sectors = fuzz_u8(in) < 230 ? sqe.nseg * len / 512 : fuzz_u32(in);
	if (sqe.op >= HVC_BLK_OP_FLUSH && fuzz_u8(in) < 230) {
		sqe.nseg = 0;
		memset(sqe.seg, 0, sizeof(sqe.seg));
	}
	gmem_write_obj(&machine.mem, SQ + header->sq_tail % ENTRIES * sizeof(sqe), &sqe);
	header->sq_tail++;
}

static void scratch(struct fuzz_input *in)
{
	uint8_t *bytes = gmem_slice(&machine.mem, RAM_BASE, 0x3000);

	bytes[fuzz_u32(in) % 0x3000] = fuzz_u8(in);
}

static void reset(void)
{
	uint64_t args[6] = { 0, HVC_BLK_CTRL_RESET };

	gmem_zero(&machine.mem, HEADER, 64);
	fuzz_check(machine_call(BLOCK, HVC_BLK_QUEUE_CTRL, args) == 0);
	args[1] = HVC_BLK_CTRL_ENABLE;
	fuzz_check(machine_call(BLOCK, HVC_BLK_QUEUE_CTRL, args) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct hvc_blk_header *header;

	machine_init();
	oracle.scribble = fuzz_u8(&in);
	open_queue(fuzz_u8(&in) % 2);
	header = gmem_slice(&machine.mem, HEADER, sizeof(*header));
	while (in.left) {
		switch (fuzz_u8(&in) % 10) {
		case 0:
			scratch(&in);
			break;
		case 1:
			header->cq_head = header->cq_tail;
			break;
		case 2:
			oracle.defer = fuzz_u8(&in) & 1;
			break;
		case 3:
			hvc_blk_mmio_ops.read(machine.blk, HVC_BLK_MMIO_REAP, 8);
			break;
		case 4:
			hvc_blk_drain(machine.blk, 0);
			break;
		case 5:
			reset();
			break;
		case 6:
			hvc_blk_mmio_ops.read(machine.blk, HVC_BLK_MMIO_DOORBELL, 8);
			break;
		default:
			put(&in);
		}
	}
	machine_fini();
	return 0;
}
