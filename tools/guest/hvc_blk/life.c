// SPDX-License-Identifier: GPL-2.0
/* The life of a queue: its memory, what the host is told of it, a new beginning, its end. */
#include <linux/io.h>
#include <linux/mm.h>

#include "hvc_blk.h"

static size_t area_size(const struct hvc_blk_disk *disk)
{
	return sizeof(struct hvc_blk_header) + sizeof(struct hvc_blk_queue_config) +
	       disk->depth * (sizeof(struct hvc_blk_sqe) + sizeof(struct hvc_blk_cqe));
}

static int queue_alloc(struct hvc_blk_disk *disk, unsigned int hwq)
{
	struct hvc_blk_queue *q = &disk->queues[hwq];
	void *at = alloc_pages_exact(area_size(disk), GFP_KERNEL | __GFP_ZERO);

	if (!at)
		return -ENOMEM;
	spin_lock_init(&q->lock);
	q->disk = disk;
	q->hwq = hwq;
	q->poll = hwq >= nr_cpu_ids;
	q->cpu = &disk->hb->cpus[hwq % nr_cpu_ids];
	q->host_poll = !q->poll && disk->hb->features & HVC_BLK_F_HOST_POLL;
	q->area = at;
	q->header = at;
	q->config = at + sizeof(*q->header);
	q->sq = (void *)(q->config + 1);
	q->cq = (void *)(q->sq + disk->depth);
	q->next = q->cpu->queues;
	q->cpu->queues = q;
	return 0;
}

int hvc_blk_queues_alloc(struct hvc_blk_disk *disk)
{
	unsigned int hwq;
	int err;

	disk->nr_queues = nr_cpu_ids * (hvc_blk_poll_queues ? 2 : 1);
	disk->queues = kcalloc(disk->nr_queues, sizeof(*disk->queues), GFP_KERNEL);
	if (!disk->queues)
		return -ENOMEM;
	for (hwq = 0; hwq < disk->nr_queues; hwq++) {
		if (!cpu_possible(hwq % nr_cpu_ids))
			continue;
		err = queue_alloc(disk, hwq);
		if (err)
			return err;
	}
	return 0;
}

/* The memory of a queue that its CPU, being offline, could not give back stays the host's. */
void hvc_blk_queues_free(struct hvc_blk_disk *disk)
{
	unsigned int hwq;

	for (hwq = 0; disk->queues && hwq < disk->nr_queues; hwq++) {
		struct hvc_blk_queue *q = &disk->queues[hwq];

		if (q->live)
			dev_warn(disk->hb->dev, "CPU %u is offline and keeps a ring\n",
				 q->cpu->cpu);
		else if (q->area)
			free_pages_exact(q->area, area_size(disk));
	}
	kfree(disk->queues);
	disk->queues = NULL;
}

static void queue_configure(struct hvc_blk_queue *q)
{
	struct hvc_blk_queue_config *config = q->config;

	memset(q->area, 0, area_size(q->disk));
	q->sq_tail = 0;
	q->cq_head = 0;
	q->rung = 0;
	config->dev = cpu_to_le16(q->disk->index);
	config->flags = cpu_to_le16((q->poll ? HVC_BLK_QUEUE_POLL : 0) |
				    (q->host_poll ? HVC_BLK_QUEUE_HOST_POLL : 0));
	config->sq_entries = cpu_to_le32(q->disk->depth);
	config->cq_entries = cpu_to_le32(q->disk->depth);
	config->irq = cpu_to_le32(q->cpu->vcpu);
	config->header = cpu_to_le64(virt_to_phys(q->header));
	config->sq = cpu_to_le64(virt_to_phys(q->sq));
	config->cq = cpu_to_le64(virt_to_phys(q->cq));
	config->vcpu = cpu_to_le32(q->cpu->vcpu);
}

static s64 control(struct hvc_blk_queue *q, u32 operation)
{
	return hvc_blk_call(q->disk->hb, HVC_BLK_QUEUE_CTRL, q->id, operation, 0, NULL);
}

/* What the host does not give back stays its own: better lost than written by another. */
static void queue_free(struct hvc_blk_queue *q)
{
	WRITE_ONCE(q->live, false);
	if (control(q, HVC_BLK_CTRL_FREE) == 0)
		return;
	dev_warn(q->disk->hb->dev, "CPU %u: the host keeps a ring\n", q->cpu->cpu);
	q->area = NULL;
}

int hvc_blk_queue_open(struct hvc_blk_queue *q)
{
	struct hvc_blk *hb = q->disk->hb;
	s64 ret;

	if (!q->area)
		return -EIO;
	queue_configure(q);
	ret = hvc_blk_call(hb, HVC_BLK_QUEUE_SETUP, virt_to_phys(q->config), sizeof(*q->config), 0,
			   NULL);
	if (ret < 0) {
		dev_err(hb->dev, "disk %u: no queue for CPU %u: %lld\n", q->disk->index,
			q->cpu->cpu, ret);
		return (int)ret;
	}
	q->id = (u32)ret;
	ret = control(q, HVC_BLK_CTRL_ENABLE);
	if (ret < 0) {
		queue_free(q);
		return (int)ret;
	}
	WRITE_ONCE(q->live, true);
	return 0;
}

void hvc_blk_queue_close(struct hvc_blk_queue *q)
{
	if (q->live)
		queue_free(q);
}

/* What the host had taken ends before this does; the rest stays as it is, in no ring any more. */
void hvc_blk_queue_reset(struct hvc_blk_queue *q)
{
	s64 ret = control(q, HVC_BLK_CTRL_QUIESCE);

	hvc_blk_queue_collect(q);
	spin_lock(&q->lock);
	if (ret == 0)
		ret = control(q, HVC_BLK_CTRL_RESET);
	if (ret == 0) {
		memset(q->header, 0, offsetof(struct hvc_blk_header, sq_head));
		q->sq_tail = 0;
		q->cq_head = 0;
		q->rung = 0;
		ret = control(q, HVC_BLK_CTRL_ENABLE);
	}
	if (ret < 0)
		queue_free(q);
	spin_unlock(&q->lock);
	if (ret < 0)
		dev_err(q->disk->hb->dev, "disk %u: CPU %u has lost its queue: %lld\n",
			q->disk->index, q->cpu->cpu, ret);
}
