/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is registered with the ring: who goes by it, and what happens without. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "block/uring.h"
#include "rig.h"

#define PINNED 65536u

static struct rig rig;
static uint8_t *memory; /* 4 PINNED bytes, of which the second half is out of reach */

static void start(size_t pinned)
{
	memory = mmap(NULL, 4 * PINNED, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(memory, MAP_FAILED);
	cr_assert_eq(mprotect(memory, 2 * PINNED, PROT_READ | PROT_WRITE), 0);
	rig_init(&rig, RIG_SIZE);
	rig.pinned = (struct blk_pinned){ { { memory, pinned } }, 1 };
	rig_open(&rig, BLK_ENGINE_URING);
}

static void end(void)
{
	rig_fini(&rig);
	munmap(memory, 4 * PINNED);
}

/* What a request of [@at, @at + @len) asks the kernel for; it is served then. */
static uint8_t asked(enum blk_op op, uint8_t *at, size_t len)
{
	struct uring *uring = rig.queue->engine;
	struct blk_req req;
	struct iovec iov;
	uint8_t opcode;

	rig.queue->cached_budget = 0;
	rig_req(&rig, &req, op, 4096, len, &iov, at);
	blk_submit(rig.queue, &req);
	opcode = uring->ring.sq.sqes[(uring->ring.sq.sqe_tail - 1) & *uring->ring.sq.kring_mask]
			 .opcode;
	while (blk_in_flight(rig.queue))
		blk_wait(rig.queue, UINT64_MAX);
	rig.nr_done = 0;
	cr_assert_eq(req.status, 0);
	return opcode;
}

Test(pin, what_lies_inside_goes_by_it)
{
	start(PINNED);
	rig_fill(memory, PINNED, 3);
	cr_assert_eq(asked(BLK_WRITE, memory, PINNED), IORING_OP_WRITE_FIXED);
	cr_assert_eq(asked(BLK_WRITE, memory + PINNED - 512, 512), IORING_OP_WRITE_FIXED);
	cr_assert_eq(asked(BLK_READ, memory + 512, 4096), IORING_OP_READ_FIXED);
	cr_assert_arr_eq(memory + 512, memory + PINNED - 512, 512);
	end();
}

Test(pin, what_does_not_lie_inside_goes_as_without)
{
	start(PINNED);
	cr_assert_eq(asked(BLK_WRITE, memory + PINNED - 512, 1024), IORING_OP_WRITE);
	cr_assert_eq(asked(BLK_READ, memory + PINNED, 512), IORING_OP_READ);
	end();
}

Test(pin, memory_that_cannot_be_pinned_does_without)
{
	start(4 * PINNED);
	cr_assert_eq(asked(BLK_WRITE, memory, 4096), IORING_OP_WRITE);
	cr_assert_eq(asked(BLK_READ, memory, 4096), IORING_OP_READ);
	end();
}

Test(pin, buffers_are_of_one_gib)
{
	static struct uring uring = {
		.nr_pins = 2,
		.pins = { { 0x10000000, 3 * URING_PIN_SIZE + 4096, 0 },
			  { 0x800000000, URING_PIN_SIZE, 4 } },
	};
	uintptr_t base = 0x10000000;

	cr_assert_eq(uring_find_pin(&uring, (void *)base, URING_PIN_SIZE), 0);
	cr_assert_eq(uring_find_pin(&uring, (void *)base, URING_PIN_SIZE + 1), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base - 1), 1), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + URING_PIN_SIZE - 1), 1), 0);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + URING_PIN_SIZE - 1), 2), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + URING_PIN_SIZE), 4096), 1);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + 3 * URING_PIN_SIZE), 4096), 3);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + 3 * URING_PIN_SIZE), 4097), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)(base + 3 * URING_PIN_SIZE + 4096), 1), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)0x800000000, 512), 4);
	cr_assert_eq(uring_find_pin(&uring, (void *)0x800000200, URING_PIN_SIZE), -1);
	cr_assert_eq(uring_find_pin(&uring, (void *)base, UINT64_MAX), -1);
}
