/* SPDX-License-Identifier: Apache-2.0 */
/* Queues come and go: QUEUE_SETUP, QUEUE_CTRL. On the owning vCPU's thread alone. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "hvc_blk_internal.h"

#define QUEUE_FLAGS (HVC_BLK_QUEUE_POLL | HVC_BLK_QUEUE_NO_IRQ | HVC_BLK_QUEUE_HOST_POLL)
#define AREA_ALIGN  64u

struct hvc_queue *hvc_own_queue(struct hvc_vcpu *vcpu, uint64_t id, int *err)
{
	struct hvc_queue *queue;
	uint32_t owner;

	*err = -ENOENT;
	if (id >= HVC_BLK_MAX_QUEUES)
		return NULL;
	queue = &vcpu->blk->queues[id];
	/* Ours was stored by this thread, and no other's value leads to its fields. */
	owner = atomic_load_explicit(&queue->owner, memory_order_relaxed);
	if (owner == vcpu->index + 1)
		return queue;
	if (owner)
		*err = -EXDEV;
	return NULL;
}

/* Copies the configuration out; what lies past the part that we know must be zero. */
static int read_config(const struct hvc_vcpu *vcpu, uint64_t gpa, uint64_t size,
		       struct hvc_blk_queue_config *config)
{
	uint8_t bytes[HVC_BLK_MAX_CONFIG];
	uint64_t i;

	if (size < sizeof(*config) || size > sizeof(bytes))
		return -EINVAL;
	if (gmem_read(vcpu->blk->config.mem, gpa, bytes, size) < 0)
		return -EFAULT;
	for (i = sizeof(*config); i < size; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(config, bytes, sizeof(*config));
	return 0;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static bool areas_overlap(const struct hvc_blk_queue_config *config)
{
	uint64_t start[] = { config->header, config->sq, config->cq };
	uint64_t size[] = {
		sizeof(struct hvc_blk_header),
		(uint64_t)config->sq_entries * sizeof(struct hvc_blk_sqe),
		(uint64_t)config->cq_entries * sizeof(struct hvc_blk_cqe),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(start); i++) {
		unsigned int j = (i + 1) % ARRAY_SIZE(start);

		if (start[i] > UINT64_MAX - size[i] || start[j] > UINT64_MAX - size[j])
			continue; /* not guest memory, which is another error */
		if (ranges_overlap(start[i], size[i], start[j], size[j]))
			return true;
	}
	return false;
}

static int check_config(struct hvc_vcpu *vcpu, const struct hvc_blk_queue_config *config)
{
	if (config->flags & ~QUEUE_FLAGS || config->reserved[0] || config->reserved[1])
		return -EINVAL;
	if (!hvc_disk(vcpu->blk, config->dev))
		return -ENODEV;
	if (config->vcpu != vcpu->index)
		return -EXDEV;
	if (config->irq != vcpu->index)
		return -EINVAL;
	if (!power_of_two(config->sq_entries) || !power_of_two(config->cq_entries) ||
	    config->cq_entries > HVC_BLK_MAX_ENTRIES || config->sq_entries > config->cq_entries)
		return -EINVAL;
	if ((config->header | config->sq | config->cq) % AREA_ALIGN || areas_overlap(config))
		return -EINVAL;
	return 0;
}

static int map_areas(const struct hvc_vcpu *vcpu, const struct hvc_blk_queue_config *config,
		     struct hvc_queue *queue)
{
	const struct gmem *mem = vcpu->blk->config.mem;

	queue->header = gmem_slice(mem, config->header, sizeof(*queue->header));
	queue->sq = gmem_slice(mem, config->sq, config->sq_entries * sizeof(*queue->sq));
	queue->cq = gmem_slice(mem, config->cq, config->cq_entries * sizeof(*queue->cq));
	return queue->header && queue->sq && queue->cq ? 0 : -EFAULT;
}

/* Takes a free number; vCPUs may compete for one. */
static int claim(struct hvc_vcpu *vcpu)
{
	for (unsigned int i = 0; i < HVC_BLK_MAX_QUEUES; i++) {
		uint32_t free = 0;

		if (atomic_compare_exchange_strong_explicit(&vcpu->blk->queues[i].owner, &free,
							    vcpu->index + 1, memory_order_acquire,
							    memory_order_relaxed))
			return (int)i;
	}
	return -ENOSPC;
}

static void release(struct hvc_queue *queue)
{
	/* Pairs with claim(): whoever has the number next finds nobody at work on the fields. */
	atomic_store_explicit(&queue->owner, 0, memory_order_release);
}

/* Does @work where the queue is served. */
static int64_t at_server(struct hvc_vcpu *vcpu, struct hvc_queue *queue, hvc_work work,
			 uint64_t arg)
{
	if (!queue->poller)
		return work(vcpu, queue, arg);
	hvc_poll_unpark(vcpu);
	return hvc_poll_run(queue->poller, work, queue, arg);
}

static int64_t link_queue(struct hvc_vcpu *server, struct hvc_queue *queue, uint64_t arg)
{
	(void)arg;
	queue->next = server->queues;
	server->queues = queue;
	hvc_mark(server, queue);
	hvc_show(server);
	return 0;
}

static void init_queue(struct hvc_vcpu *vcpu, const struct hvc_blk_queue_config *config,
		       struct hvc_queue *queue)
{
	struct hvc_disk *disk = &vcpu->blk->disks[config->dev];

	hvc_set_state(queue, HVC_QUEUE_DISABLED);
	queue->vcpu = vcpu;
	queue->poller = config->flags & HVC_BLK_QUEUE_HOST_POLL ? disk->poller : NULL;
	queue->polling = false;
	queue->irq_missed = false;
	atomic_store_explicit(&queue->shown, 0, memory_order_relaxed);
	queue->dev = config->dev;
	queue->flags = config->flags;
	queue->sq_entries = config->sq_entries;
	queue->cq_entries = config->cq_entries;
	queue->sq_head = 0;
	queue->sq_limit = 0;
	queue->cq_tail = 0;
	queue->in_flight = 0;
	queue->dropped = 0;
	queue->generation = atomic_load_explicit(&disk->generation, memory_order_relaxed);
	queue->told = atomic_load_explicit(&disk->told, memory_order_relaxed);
	atomic_store_explicit(&disk->v2, true, memory_order_relaxed);
	vcpu->nr_polled += queue->poller != NULL;
	at_server(vcpu, queue, link_queue, 0);
}

static int64_t queue_setup(struct hvc_vcpu *vcpu, uint64_t gpa, uint64_t size)
{
	struct hvc_blk_queue_config config;
	struct hvc_queue areas;
	struct hvc_queue *queue;
	int id, ret;

	ret = read_config(vcpu, gpa, size, &config);
	if (ret == 0)
		ret = check_config(vcpu, &config);
	if (ret == 0)
		ret = map_areas(vcpu, &config, &areas);
	if (ret < 0)
		return ret;
	id = claim(vcpu);
	if (id < 0)
		return id;
	queue = &vcpu->blk->queues[id];
	queue->header = areas.header;
	queue->sq = areas.sq;
	queue->cq = areas.cq;
	init_queue(vcpu, &config, queue);
	config.intid = vcpu->line->intid;
	gmem_write(vcpu->blk->config.mem, gpa + offsetof(struct hvc_blk_queue_config, intid),
		   &config.intid, sizeof(config.intid));
	return id;
}

void hvc_queue_setup(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	hvc_answer(reply, queue_setup(vcpu, args[0], args[1]));
}

static void unlink_queue(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	struct hvc_queue **link = &vcpu->queues;

	while (*link != queue)
		link = &(*link)->next;
	*link = queue->next;
}

static void stop_queue(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	if (hvc_state(queue) == HVC_QUEUE_ENABLED)
		hvc_set_state(queue, HVC_QUEUE_DISABLED);
	hvc_quiesce(vcpu);
}

static void reset_queue(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	stop_queue(vcpu, queue);
	hvc_set_state(queue, HVC_QUEUE_DISABLED);
	queue->sq_head = 0;
	queue->sq_limit = 0;
	queue->cq_tail = 0;
	queue->dropped = 0;
	hvc_mark(vcpu, queue);
	hvc_show(vcpu);
}

static int64_t control(struct hvc_vcpu *server, struct hvc_queue *queue, uint64_t op)
{
	switch (op) {
	case HVC_BLK_CTRL_ENABLE:
		if (hvc_state(queue) == HVC_QUEUE_BROKEN)
			return -EPIPE;
		hvc_set_state(queue, HVC_QUEUE_ENABLED);
		return 0;
	case HVC_BLK_CTRL_QUIESCE:
		stop_queue(server, queue);
		return 0;
	case HVC_BLK_CTRL_RESET:
		reset_queue(server, queue);
		return 0;
	case HVC_BLK_CTRL_FREE:
		stop_queue(server, queue);
		unlink_queue(server, queue);
		return 0;
	default:
		return -EINVAL;
	}
}

static int64_t queue_ctrl(struct hvc_vcpu *vcpu, uint64_t id, uint64_t op)
{
	int err;
	struct hvc_queue *queue = hvc_own_queue(vcpu, id, &err);
	int64_t ret;

	if (!queue)
		return err;
	ret = at_server(vcpu, queue, control, op);
	if (op == HVC_BLK_CTRL_FREE) {
		vcpu->nr_polled -= queue->poller != NULL;
		release(queue);
	}
	return ret;
}

void hvc_queue_ctrl(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	hvc_answer(reply, queue_ctrl(vcpu, args[0], args[1]));
}
