// SPDX-License-Identifier: GPL-2.0
/* Requests into rings, doorbells, completions out of them. */
#include <linux/bvec.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/version.h>

#include "hvc_blk.h"

/* ---- one request ---------------------------------------------------------------------------- */

static u32 put_segments(struct request *rq, struct hvc_blk_segment *seg, u32 most)
{
	struct req_iterator iter;
	struct bio_vec bv;
	u32 n = 0;

	rq_for_each_bvec(bv, rq, iter) {
		if (WARN_ON_ONCE(n == most))
			return 0;
		seg[n].gpa = cpu_to_le64(page_to_phys(bv.bv_page) + bv.bv_offset);
		seg[n].len = cpu_to_le32(bv.bv_len);
		seg[n].reserved = 0;
		n++;
	}
	return n;
}

static bool put_data(struct request *rq, struct hvc_blk_sqe *sqe)
{
	struct hvc_blk_pdu *pdu = blk_mq_rq_to_pdu(rq);
	u32 n;

	if (blk_rq_nr_phys_segments(rq) == 1) {
		n = put_segments(rq, sqe->seg, ARRAY_SIZE(sqe->seg));
	} else {
		n = put_segments(rq, pdu->table, HVC_BLK_MAX_SEGS);
		sqe->flags |= HVC_BLK_SQE_INDIRECT;
		sqe->seg[0].gpa = cpu_to_le64(virt_to_phys(pdu->table));
		sqe->seg[0].len = cpu_to_le32(n * HVC_BLK_SLOT);
	}
	sqe->nseg = cpu_to_le16(n);
	return n > 0;
}

static blk_status_t fill(struct request *rq, struct hvc_blk_sqe *sqe)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->tag = cpu_to_le16(rq->tag);
	if (req_op(rq) == REQ_OP_FLUSH) {
		sqe->op = HVC_BLK_OP_FLUSH;
		return BLK_STS_OK;
	}
	sqe->sector = cpu_to_le64(blk_rq_pos(rq));
	sqe->nr_sectors = cpu_to_le32(blk_rq_sectors(rq));
	if (rq->cmd_flags & REQ_FUA)
		sqe->flags |= HVC_BLK_SQE_FUA;
	switch (req_op(rq)) {
	case REQ_OP_READ:
		sqe->op = HVC_BLK_OP_READ;
		return put_data(rq, sqe) ? BLK_STS_OK : BLK_STS_IOERR;
	case REQ_OP_WRITE:
		sqe->op = HVC_BLK_OP_WRITE;
		return put_data(rq, sqe) ? BLK_STS_OK : BLK_STS_IOERR;
	case REQ_OP_DISCARD:
		sqe->op = HVC_BLK_OP_DISCARD;
		return BLK_STS_OK;
	case REQ_OP_WRITE_ZEROES:
		sqe->op = HVC_BLK_OP_WRITE_ZEROES;
		if (rq->cmd_flags & REQ_NOUNMAP)
			sqe->flags |= HVC_BLK_SQE_NOUNMAP;
		return BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
}

/* Under the queue's lock. There is room: no more requests have tags than the ring has entries. */
static blk_status_t put_request(struct hvc_blk_queue *q, struct request *rq)
{
	struct hvc_blk_pdu *pdu = blk_mq_rq_to_pdu(rq);
	blk_status_t status = fill(rq, &q->sq[q->sq_tail & (q->disk->depth - 1)]);

	if (status == BLK_STS_OK) {
		pdu->in_ring = true;
		q->sq_tail++;
	}
	return status;
}

static void publish(struct hvc_blk_queue *q)
{
	/* The entries are there before the host can see them counted. */
	smp_store_release(&q->header->sq_tail, cpu_to_le32(q->sq_tail));
}

static u32 published(const struct hvc_blk_queue *q)
{
	return le32_to_cpu(READ_ONCE(q->header->sq_tail));
}

/* ---- completions ---------------------------------------------------------------------------- */

static blk_status_t status_of(u8 status)
{
	switch (status) {
	case HVC_BLK_OK:
		return BLK_STS_OK;
	case HVC_BLK_UNSUPPORTED:
		return BLK_STS_NOTSUPP;
	case HVC_BLK_NO_SPACE:
		return BLK_STS_NOSPC;
	case HVC_BLK_TIMEOUT:
		return BLK_STS_TIMEOUT;
	default:
		return BLK_STS_IOERR;
	}
}

/* Few: the kernel zeroes them at each look, and they are for errors and flushes alone. */
#define SLOW_MAX 4

struct slow {
	struct request *rq[SLOW_MAX];
	blk_status_t status[SLOW_MAX];
	unsigned int nr;
};

static void take_one(struct hvc_blk_queue *q, const struct hvc_blk_cqe *cqe,
		     struct io_comp_batch *iob, struct slow *slow)
{
	struct request *rq = blk_mq_tag_to_rq(q->disk->set.tags[q->hwq], le16_to_cpu(cqe->tag));
	struct hvc_blk_pdu *pdu = blk_mq_rq_to_pdu(rq);
	blk_status_t status = status_of(cqe->status);

	if (WARN_ON_ONCE(!rq || !pdu->in_ring))
		return;
	pdu->in_ring = false;
	if (blk_mq_add_to_batch(rq, iob, status != BLK_STS_OK, blk_mq_end_request_batch))
		return;
	slow->rq[slow->nr] = rq;
	slow->status[slow->nr++] = status;
}

/*
 * Requests are ended after the lock is gone: who waits for one may send the next at once. Those
 * that can be ended together are left in @iob.
 */
static unsigned int collect(struct hvc_blk_queue *q, struct io_comp_batch *iob)
{
	struct slow slow;
	unsigned int i, found = 0;
	unsigned long flags;
	u32 tail;

	do {
		slow.nr = 0;
		spin_lock_irqsave(&q->lock, flags);
		/* The completions up to it are there. */
		tail = le32_to_cpu(smp_load_acquire(&q->header->cq_tail));
		if (WARN_ON_ONCE(tail - q->cq_head > q->disk->depth))
			tail = q->cq_head;
		while (q->cq_head != tail && slow.nr < SLOW_MAX) {
			take_one(q, &q->cq[q->cq_head & (q->disk->depth - 1)], iob, &slow);
			q->cq_head++;
			found++;
		}
		/* They have been read before the host may write there again. */
		smp_store_release(&q->header->cq_head, cpu_to_le32(q->cq_head));
		spin_unlock_irqrestore(&q->lock, flags);
		for (i = 0; i < slow.nr; i++)
			blk_mq_end_request(slow.rq[i], slow.status[i]);
	} while (slow.nr == SLOW_MAX);
	if (unlikely(le32_to_cpu(READ_ONCE(q->header->generation)) !=
		     READ_ONCE(q->disk->generation)))
		schedule_work(&q->disk->resize);
	return found;
}

static bool is_broken(const struct hvc_blk_queue *q)
{
	return le32_to_cpu(READ_ONCE(q->header->host_flags)) & HVC_BLK_HOST_BROKEN;
}

/* As collect(), where a queue that broke is to be healed. */
static unsigned int look(struct hvc_blk_queue *q, struct io_comp_batch *iob)
{
	unsigned int found = collect(q, iob);

	if (unlikely(is_broken(q)))
		hvc_blk_disk_reset(q->disk);
	return found;
}

static void end_batch(struct io_comp_batch *iob)
{
	if (iob->complete)
		iob->complete(iob);
}

void hvc_blk_queue_collect(struct hvc_blk_queue *q)
{
	DEFINE_IO_COMP_BATCH(iob);

	collect(q, &iob);
	end_batch(&iob);
}

/* ---- doorbells ------------------------------------------------------------------------------ */

static void call_failed(struct hvc_blk_queue *q, const char *what, int err)
{
	dev_err_ratelimited(q->disk->hb->dev, "disk %u, queue %u: the host refuses %s: %d\n",
			    q->disk->index, q->id, what, err);
	if (err == -HVC_BLK_EPIPE)
		hvc_blk_disk_reset(q->disk);
}

/* The call that a host has to have after requests were published, or 0. */
static u32 call_due(const struct hvc_blk_queue *q)
{
	u32 host_flags;

	if (!q->host_poll)
		return HVC_BLK_DOORBELL;
	/* Pairs with the host's: it shows that it sleeps, then looks at sq_tail again. */
	smp_mb();
	host_flags = le32_to_cpu(READ_ONCE(q->header->host_flags));
	if (host_flags & HVC_BLK_HOST_NEED_WAKEUP)
		return HVC_BLK_WAKEUP;
	return host_flags & HVC_BLK_HOST_POLLING ? 0 : HVC_BLK_DOORBELL;
}

/* On the queue's CPU, which cannot change meanwhile. */
static void tell(struct hvc_blk_queue *q, u32 call)
{
	int err;

	/* What is published after this rings, or kicks, once more. */
	WRITE_ONCE(q->rung, published(q));
	err = hvc_blk_ring_call(q->disk->hb, call, q->id);
	if (unlikely(err))
		call_failed(q, call == HVC_BLK_DOORBELL ? "DOORBELL" : "WAKEUP", err);
}

static void reap(struct hvc_blk_queue *q)
{
	int err = hvc_blk_ring_call(q->disk->hb, HVC_BLK_REAP, q->id);

	if (unlikely(err))
		call_failed(q, "REAP", err);
}

/* Rings, and ends what the host had at hand. */
static void ring(struct hvc_blk_queue *q)
{
	DEFINE_IO_COMP_BATCH(iob);
	u32 call = call_due(q);

	if (!call)
		return;
	if (unlikely(get_cpu() != q->cpu->cpu)) {
		hvc_blk_cpu_kick(q->cpu);
		put_cpu();
		return;
	}
	tell(q, call);
	put_cpu();
	if (q->poll)
		return;
	look(q, &iob);
	end_batch(&iob);
}

void hvc_blk_cpu_serve(struct hvc_blk_cpu *c)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct hvc_blk_queue *q, *by = NULL;
	u32 call;

	for (q = c->queues; q; q = q->next) {
		if (!READ_ONCE(q->live))
			continue;
		call = READ_ONCE(q->rung) == published(q) ? 0 : call_due(q);
		if (call)
			tell(q, call);
		/* One REAP is for all queues of the CPU, but one of a queue that is polled. */
		if (!by || by->poll)
			by = q;
	}
	if (by)
		reap(by);
	for (q = c->queues; q; q = q->next)
		if (READ_ONCE(q->live))
			look(q, &iob);
	end_batch(&iob);
}

static void kicked(void *data)
{
	struct hvc_blk_cpu *c = data;

	atomic_set_release(&c->kicked, 0);
	/* What is put into a ring after this is seen now, or kicks again. */
	smp_mb__after_atomic();
	hvc_blk_cpu_serve(c);
}

void hvc_blk_cpu_kick(struct hvc_blk_cpu *c)
{
	if (atomic_xchg(&c->kicked, 1))
		return;
	if (smp_call_function_single_async(c->cpu, &c->csd))
		atomic_set(&c->kicked, 0); /* offline: blk-mq has drained its queues */
}

void hvc_blk_cpu_init(struct hvc_blk *hb, struct hvc_blk_cpu *c, unsigned int cpu)
{
	c->hb = hb;
	c->cpu = cpu;
	INIT_CSD(&c->csd, kicked, c);
}

/* ---- blk-mq --------------------------------------------------------------------------------- */

static blk_status_t hvc_blk_queue_rq(struct blk_mq_hw_ctx *hctx,
				     const struct blk_mq_queue_data *bd)
{
	struct hvc_blk_queue *q = hctx->driver_data;
	unsigned long flags;
	blk_status_t status;
	bool last = bd->last;

	if (unlikely(!READ_ONCE(q->live)))
		return BLK_STS_IOERR;
	blk_mq_start_request(bd->rq);
	spin_lock_irqsave(&q->lock, flags);
	status = put_request(q, bd->rq);
	if (last)
		publish(q);
	spin_unlock_irqrestore(&q->lock, flags);
	if (last)
		ring(q);
	return status;
}

static void publish_and_ring(struct hvc_blk_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	publish(q);
	spin_unlock_irqrestore(&q->lock, flags);
	ring(q);
}

static void hvc_blk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	publish_and_ring(hctx->driver_data);
}

/* A task's whole plug list: one doorbell for each run of requests to the same queue. */
#ifdef HVC_BLK_HAS_RQ_LIST
static void hvc_blk_queue_rqs(struct rq_list *list)
#else
static void hvc_blk_queue_rqs(struct request **list)
#endif
{
	struct hvc_blk_queue *q = NULL, *next;
	struct request *rq;
	unsigned long flags;
	blk_status_t status;

	while ((rq = rq_list_pop(list))) {
		next = rq->mq_hctx->driver_data;
		if (q && q != next)
			publish_and_ring(q);
		q = next;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
		/* For a whole list, blk-mq leaves this to the driver. */
		rq->mq_hctx->tags->rqs[rq->tag] = rq;
#endif
		blk_mq_start_request(rq);
		spin_lock_irqsave(&q->lock, flags);
		status = likely(q->live) ? put_request(q, rq) : BLK_STS_IOERR;
		spin_unlock_irqrestore(&q->lock, flags);
		if (unlikely(status != BLK_STS_OK))
			blk_mq_end_request(rq, status);
	}
	if (q)
		publish_and_ring(q);
}

static int hvc_blk_poll(struct blk_mq_hw_ctx *hctx, struct io_comp_batch *iob)
{
	struct hvc_blk_queue *q = hctx->driver_data;

	if (get_cpu() == q->cpu->cpu)
		reap(q);
	else
		hvc_blk_cpu_kick(q->cpu);
	put_cpu();
	return look(q, iob);
}

/* As if no doorbell had been rung, and no interrupt had come. */
static void look_again(void *data)
{
	struct hvc_blk_cpu *c = data;
	struct hvc_blk_queue *q;

	for (q = c->queues; q; q = q->next)
		if (READ_ONCE(q->live))
			tell(q, HVC_BLK_DOORBELL);
	hvc_blk_cpu_serve(c);
}

/*
 * A doorbell or an interrupt that was lost is no reason to lose a disk: look first. What the host
 * has taken it cannot give back, and it ends every request some day, so there is nothing to abort.
 */
static enum blk_eh_timer_return hvc_blk_timeout(struct request *rq)
{
	struct hvc_blk_queue *q = rq->mq_hctx->driver_data;

	smp_call_function_single(q->cpu->cpu, look_again, q->cpu, 1);
	if (!blk_mq_request_started(rq) || blk_mq_request_completed(rq))
		return BLK_EH_DONE;
	dev_warn_ratelimited(q->disk->hb->dev, "disk %u: request %d is slow, still waiting\n",
			     q->disk->index, rq->tag);
	return BLK_EH_RESET_TIMER;
}

static int hvc_blk_init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct hvc_blk_disk *disk = data;

	hctx->driver_data = &disk->queues[index];
	return 0;
}

static void map_cpus(struct blk_mq_queue_map *map, unsigned int first, unsigned int nr)
{
	unsigned int cpu;

	map->queue_offset = first;
	map->nr_queues = nr;
	if (!nr)
		return;
	for_each_possible_cpu(cpu)
		map->mq_map[cpu] = first + cpu;
}

static void hvc_blk_map_queues(struct blk_mq_tag_set *set)
{
	map_cpus(&set->map[HCTX_TYPE_DEFAULT], 0, nr_cpu_ids);
	if (set->nr_maps == 1)
		return;
	map_cpus(&set->map[HCTX_TYPE_READ], 0, 0);
	map_cpus(&set->map[HCTX_TYPE_POLL], nr_cpu_ids, nr_cpu_ids);
}

const struct blk_mq_ops hvc_blk_mq_ops = {
	.queue_rq	= hvc_blk_queue_rq,
	.queue_rqs	= hvc_blk_queue_rqs,
	.commit_rqs	= hvc_blk_commit_rqs,
	.poll		= hvc_blk_poll,
	.timeout	= hvc_blk_timeout,
	.init_hctx	= hvc_blk_init_hctx,
	.map_queues	= hvc_blk_map_queues,
};
