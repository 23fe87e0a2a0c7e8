// SPDX-License-Identifier: GPL-2.0
/*
 * A disk's queues begin anew: where the host found one of them broken, or somebody asks for it.
 *
 * What the host had taken has ended by then. All else goes back to blk-mq, which sends it again: a
 * transfer that is done twice has the same outcome, as its buffer is its own until it ends.
 */
#include <linux/smp.h>

#include "hvc_blk.h"

static void reset_here(void *data)
{
	struct hvc_blk_queue *q = data;

	if (q->live)
		hvc_blk_queue_reset(q);
}

/* A queue that is lost can do nothing but fail them. */
static bool give_back(struct request *rq, void *data)
{
	struct hvc_blk_queue *q = rq->mq_hctx->driver_data;
	struct hvc_blk_pdu *pdu = blk_mq_rq_to_pdu(rq);
	unsigned long flags;
	bool was_in_ring;

	spin_lock_irqsave(&q->lock, flags);
	was_in_ring = pdu->in_ring;
	pdu->in_ring = false;
	spin_unlock_irqrestore(&q->lock, flags);
	if (!was_in_ring)
		return true; /* it has ended, or is about to */
	if (READ_ONCE(q->live))
		blk_mq_requeue_request(rq, false);
	else
		blk_mq_end_request(rq, BLK_STS_IOERR);
	return true;
}

void hvc_blk_reset_work(struct work_struct *work)
{
	struct hvc_blk_disk *disk = container_of(work, struct hvc_blk_disk, reset);
	unsigned int hwq;

	/* Nothing is put into a ring meanwhile. */
	blk_mq_quiesce_queue(disk->gd->queue);
	for (hwq = 0; hwq < disk->nr_queues; hwq++) {
		struct hvc_blk_queue *q = &disk->queues[hwq];

		/* A CPU that is offline has nothing in its queues. */
		if (READ_ONCE(q->live))
			smp_call_function_single(q->cpu->cpu, reset_here, q, 1);
	}
	blk_mq_tagset_busy_iter(&disk->set, give_back, disk);
	blk_mq_unquiesce_queue(disk->gd->queue);
	blk_mq_kick_requeue_list(disk->gd->queue);
	dev_info(disk->hb->dev, "disk %u: its queues were reset\n", disk->index);
}

void hvc_blk_disk_reset(struct hvc_blk_disk *disk)
{
	schedule_work(&disk->reset);
}
