/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring indexes, for every size of ring, every index of ours and whatever the guest has in its
 * header: no entry outside its ring is read or written, and completions never overflow.
 */
#include "../../src/hvc/hvc_blk_complete.c"
#include "../../src/hvc/hvc_blk_ring.c"

#include "prove.h"

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	(void)limit;
	(void)level;
	(void)format;
}

static struct hvc_blk_header header;
static struct hvc_blk_sqe sq[HVC_BLK_MAX_ENTRIES];
static struct hvc_blk_cqe cq[HVC_BLK_MAX_ENTRIES];
static struct hvc_vcpu vcpu;
static struct hvc_queue queue;

/* What QUEUE_SETUP lets pass. The pointers are to areas that end where the ring does. */
static void any_queue(void)
{
	unsigned int sq_order = nondet_uint();
	unsigned int cq_order = nondet_uint();

	__CPROVER_assume(sq_order <= cq_order && cq_order <= 10);
	queue.sq_entries = 1u << sq_order;
	queue.cq_entries = 1u << cq_order;
	queue.header = &header;
	queue.sq = &sq[HVC_BLK_MAX_ENTRIES - queue.sq_entries];
	queue.cq = &cq[HVC_BLK_MAX_ENTRIES - queue.cq_entries];
	queue.sq_head = nondet_u32();
	queue.sq_limit = nondet_u32();
	queue.cq_tail = nondet_u32();
	queue.in_flight = nondet_u32();
	queue.state = HVC_QUEUE_ENABLED;
	queue.dirty = true;
	header.sq_tail = nondet_u32();
	header.cq_head = nondet_u32();
}

/* An entry lies in its ring: the area ends with the array, so that one past it is out of bounds. */
void prove_copy(void)
{
	struct hvc_blk_sqe sqe;
	uint32_t index = nondet_u32();

	any_queue();
	__CPROVER_assert((index & (queue.sq_entries - 1)) < queue.sq_entries, "in the ring");
	copy_sqe(&queue, index, &sqe);
}

void prove_post(void)
{
	uint32_t before;

	any_queue();
	before = queue.cq_tail;
	__CPROVER_assert((before & (queue.cq_entries - 1)) < queue.cq_entries, "in the ring");
	hvc_post(&vcpu, &queue, nondet_u16(), (uint8_t)nondet_uint(), 0, nondet_u32());
	__CPROVER_assert(queue.cq_tail == before + 1, "one more");
}

/*
 * Where there is room, all that is in flight and one more can end without writing over a
 * completion that is not read yet.
 */
void prove_room(void)
{
	any_queue();
	__CPROVER_assume(queue.in_flight <= HVC_BLK_DEPTH);
	if (has_room(&vcpu, &queue)) {
		uint32_t unread = queue.cq_tail - header.cq_head;

		__CPROVER_assert(unread + queue.in_flight + 1 <= queue.cq_entries, "no overflow");
	}
}

/* What is announced is never more than the ring holds. */
void prove_announce(void)
{
	any_queue();
	if (announce(&vcpu, &queue) == 0)
		__CPROVER_assert(queue.sq_limit - queue.sq_head <= queue.sq_entries, "bounded");
	else
		__CPROVER_assert(queue.state == HVC_QUEUE_BROKEN, "broken");
}
