/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings: what a doorbell takes, and when interrupts are wanted (docs/abi-hvc-blk.md, "Doorbells").
 *
 * The engine's eventfd is the vCPU's interrupt. While we look by ourselves it is held back; before
 * the vCPU goes back with something in flight it is allowed, and what came in between is looked
 * for once more: a completion is either found by that look or raises the interrupt.
 */
#include <errno.h>

#include "base/log.h"
#include "base/util.h"
#include "hvc_blk_internal.h"

/* A request is 64 bytes in one piece of guest memory: copied by words, each loaded once. */
static void copy_sqe(const struct hvc_queue *queue, uint32_t index, struct hvc_blk_sqe *sqe)
{
	const volatile uint64_t *from =
		(const volatile uint64_t *)&queue->sq[index & (queue->sq_entries - 1)];
	uint64_t *to = (uint64_t *)sqe;

	for (unsigned int i = 0; i < sizeof(*sqe) / sizeof(*to); i++)
		to[i] = from[i];
}

static void set_broken(struct hvc_vcpu *vcpu, struct hvc_queue *queue, const char *what)
{
	static struct log_limit limit = { .burst = 5 };

	log_limited(&limit, LOG_LEVEL_WARN,
		    "hvc-blk: vCPU %u: %s; the queue is broken until the guest resets it",
		    queue->vcpu->index, what);
	hvc_set_state(queue, HVC_QUEUE_BROKEN);
	hvc_count(&vcpu->stats.broken);
	hvc_mark(vcpu, queue);
}

/* Room for one more: neither completions can overflow nor requests run out. */
static bool has_room(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	uint32_t head = __atomic_load_n(&queue->header->cq_head, __ATOMIC_ACQUIRE);
	uint32_t unread = queue->cq_tail - head;

	if (unread > queue->cq_entries) {
		set_broken(vcpu, queue, "cq_head is not in its ring");
		return false;
	}
	return queue->in_flight + unread < queue->cq_entries;
}

static bool wants_irq(const struct hvc_queue *queue)
{
	uint32_t flags = __atomic_load_n(&queue->header->guest_flags, __ATOMIC_RELAXED);

	return !(queue->flags & (HVC_BLK_QUEUE_POLL | HVC_BLK_QUEUE_NO_IRQ)) &&
	       !(flags & HVC_BLK_GUEST_NO_IRQ);
}

static void start(struct hvc_vcpu *vcpu, struct hvc_queue *queue, const struct hvc_blk_sqe *sqe,
		  struct hvc_req *req)
{
	req->queue = queue;
	req->tag = sqe->tag;
	req->round = vcpu->round;
	req->bytes =
		req->blk.op == BLK_READ || req->blk.op == BLK_WRITE ? (uint32_t)req->blk.len : 0;
	req->irq = wants_irq(queue);
	queue->in_flight++;
	if (req->irq)
		vcpu->irq_in_flight++;
	blk_submit(vcpu->engine, &req->blk);
}

static void take_one(struct hvc_vcpu *vcpu, struct hvc_queue *queue, struct hvc_req *req)
{
	struct hvc_blk_sqe sqe;
	uint8_t status;

	copy_sqe(queue, queue->sq_head++, &sqe);
	hvc_count(&vcpu->stats.requests);
	status = hvc_take(vcpu, queue, &sqe, req);
	if (status == HVC_BLK_OK) {
		start(vcpu, queue, &sqe, req);
		return;
	}
	hvc_req_put(vcpu, req);
	hvc_count(&vcpu->stats.refused);
	hvc_post(vcpu, queue, sqe.tag, status, queue == vcpu->called ? HVC_BLK_CQE_INLINE : 0, 0);
	if (queue != vcpu->called && wants_irq(queue))
		hvc_miss(vcpu, queue);
}

bool hvc_take_announced(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	uint32_t before = queue->sq_head;

	while (hvc_state(queue) == HVC_QUEUE_ENABLED && queue->sq_head != queue->sq_limit &&
	       vcpu->nr_used < HVC_BLK_DEPTH && has_room(vcpu, queue))
		take_one(vcpu, queue, hvc_req_get(vcpu));
	if (queue->sq_head == before)
		return false;
	hvc_mark(vcpu, queue);
	return true;
}

/*
 * What waits for room, on all of the vCPU's queues, while completions make some. Ends: each turn
 * takes what doorbells announced, and nobody announces more meanwhile.
 */
static void take_waiting(struct hvc_vcpu *vcpu)
{
	bool any;

	do {
		any = false;
		for (struct hvc_queue *queue = vcpu->queues; queue; queue = queue->next)
			any |= hvc_take_announced(vcpu, queue);
		if (any)
			blk_kick(vcpu->engine);
	} while (any);
}

bool hvc_is_behind(const struct hvc_vcpu *vcpu, const struct hvc_queue *queue)
{
	const struct hvc_disk *disk = &vcpu->blk->disks[queue->dev];

	return queue->generation != atomic_load_explicit(&disk->generation, memory_order_relaxed) ||
	       queue->told != atomic_load_explicit(&disk->told, memory_order_relaxed);
}

/* The disk changed since the queue was told: its header says so from this call on. */
void hvc_note_changes(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	const struct hvc_disk *disk = &vcpu->blk->disks[queue->dev];
	uint32_t now = atomic_load_explicit(&disk->generation, memory_order_relaxed);
	uint32_t told = atomic_load_explicit(&disk->told, memory_order_relaxed);

	if (queue->generation != now || queue->told != told)
		hvc_mark(vcpu, queue);
	queue->generation = now;
	queue->told = told;
}

bool hvc_waits(const struct hvc_queue *queue)
{
	return hvc_state(queue) == HVC_QUEUE_ENABLED && queue->sq_head != queue->sq_limit;
}

static void raise_on(struct hvc_vcpu *vcpu, struct irq_line *line)
{
	hvc_count(&vcpu->stats.interrupts);
	irq_line_pulse(line);
}

/* A poller's queues are of several vCPUs. */
static void raise_each(struct hvc_vcpu *server)
{
	for (struct hvc_queue *queue = server->queues; queue; queue = queue->next) {
		if (queue->irq_missed)
			raise_on(server, queue->vcpu->line);
		queue->irq_missed = false;
	}
}

void hvc_raise_missed(struct hvc_vcpu *vcpu)
{
	bool missed = vcpu->irq_missed && !vcpu->sees_all;

	vcpu->irq_missed = false;
	if (missed && vcpu->line)
		raise_on(vcpu, vcpu->line);
	else if (missed)
		raise_each(vcpu);
}

void hvc_end_service(struct hvc_vcpu *vcpu)
{
	take_waiting(vcpu);
	if (vcpu->irq_in_flight) {
		blk_wakes(vcpu->engine, true);
		if (blk_reap(vcpu->engine))
			take_waiting(vcpu);
	}
	hvc_show(vcpu);
	hvc_raise_missed(vcpu);
}

void hvc_quiesce(struct hvc_vcpu *vcpu)
{
	blk_wakes(vcpu->engine, false);
	blk_queue_drain(vcpu->engine);
	/* Room that nobody will be told of: the guest's REAP takes what waits for it. */
	for (struct hvc_queue *queue = vcpu->queues; queue; queue = queue->next)
		if (hvc_waits(queue))
			hvc_miss(vcpu, queue);
	hvc_show(vcpu);
	hvc_raise_missed(vcpu);
}

int hvc_announce(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	/* Pairs with the guest's release of sq_tail: the entries up to it are there. */
	uint32_t tail = __atomic_load_n(&queue->header->sq_tail, __ATOMIC_ACQUIRE);

	if (tail - queue->sq_head > queue->sq_entries) {
		set_broken(vcpu, queue, "sq_tail is not in its ring");
		return -EPIPE;
	}
	queue->sq_limit = tail;
	return 0;
}

/* Until something is posted to @queue, or the guest's patience or ours is over. */
static void wait_for_one(struct hvc_vcpu *vcpu, struct hvc_queue *queue, uint32_t posted)
{
	uint32_t us = __atomic_load_n(&queue->header->wait_us, __ATOMIC_RELAXED);

	if (us > HVC_MAX_WAIT_US)
		us = HVC_MAX_WAIT_US;
	if (us && queue->in_flight && queue->cq_tail == posted)
		blk_wait(vcpu->engine, us * 1000ull);
}

static void serve(struct hvc_vcpu *vcpu, struct hvc_queue *queue, bool wait)
{
	uint32_t posted = queue->cq_tail;

	vcpu->round++;
	vcpu->called = queue;
	blk_wakes(vcpu->engine, false);
	hvc_take_announced(vcpu, queue);
	blk_kick(vcpu->engine);
	if (wait)
		wait_for_one(vcpu, queue, posted);
	hvc_end_service(vcpu);
	vcpu->called = NULL;
}

/* What a doorbell is to a queue that is polled; a guest that knows better rings seldom. */
static int ring_poller(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	if (hvc_state(queue) == HVC_QUEUE_BROKEN)
		return -EPIPE;
	hvc_poll_unpark(vcpu);
	hvc_poll_wake(queue->poller);
	return 0;
}

int hvc_wakeup(struct hvc_vcpu *vcpu, uint32_t id)
{
	int err;
	struct hvc_queue *queue = hvc_own_queue(vcpu, id, &err);

	if (!queue)
		return err;
	if (!queue->poller)
		return 0; /* nobody sleeps there */
	hvc_count(&vcpu->stats.wakeups);
	hvc_poll_unpark(vcpu);
	hvc_poll_wake(queue->poller);
	return 0;
}

int hvc_doorbell(struct hvc_vcpu *vcpu, uint32_t id, bool wait)
{
	int ret;
	struct hvc_queue *queue = hvc_own_queue(vcpu, id, &ret);

	if (!queue)
		return ret;
	if (hvc_state(queue) == HVC_QUEUE_DISABLED)
		return -ESHUTDOWN;
	hvc_count(&vcpu->stats.doorbells);
	if (queue->poller)
		return ring_poller(vcpu, queue);
	hvc_note_changes(vcpu, queue);
	ret = hvc_state(queue) == HVC_QUEUE_ENABLED ? hvc_announce(vcpu, queue) : -EPIPE;
	if (ret == 0)
		serve(vcpu, queue, wait);
	else
		hvc_show(vcpu);
	return ret;
}

int hvc_reap(struct hvc_vcpu *vcpu, uint32_t id)
{
	int ret;
	struct hvc_queue *queue = hvc_own_queue(vcpu, id, &ret);

	if (!queue)
		return ret;
	hvc_count(&vcpu->stats.reaps);
	if (vcpu->nr_polled)
		hvc_poll_nudge(vcpu);
	for (struct hvc_queue *each = vcpu->queues; each; each = each->next)
		hvc_note_changes(vcpu, each);
	vcpu->round++;
	vcpu->called = queue;
	/* An interrupt's handler looks at all of the vCPU's queues; who polls, at its own. */
	vcpu->sees_all = !(queue->flags & HVC_BLK_QUEUE_POLL);
	blk_wakes(vcpu->engine, false);
	blk_reap(vcpu->engine);
	hvc_end_service(vcpu);
	vcpu->called = NULL;
	vcpu->sees_all = false;
	return 0;
}
