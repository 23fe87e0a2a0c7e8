/* SPDX-License-Identifier: Apache-2.0 */
/* The block service: its life, its calls by number, and who makes them. */
#include "hvc/hvc_blk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"
#include "hvc_blk_internal.h"

/* The errors of the ABI are Linux' own, on every host of ours. */
_Static_assert(HVC_BLK_ENOENT == ENOENT && HVC_BLK_EIO == EIO && HVC_BLK_E2BIG == E2BIG, "errno");
_Static_assert(HVC_BLK_EFAULT == EFAULT && HVC_BLK_EBUSY == EBUSY, "errno");
_Static_assert(HVC_BLK_EXDEV == EXDEV && HVC_BLK_ENODEV == ENODEV, "errno");
_Static_assert(HVC_BLK_EINVAL == EINVAL && HVC_BLK_ENOSPC == ENOSPC, "errno");
_Static_assert(HVC_BLK_EROFS == EROFS && HVC_BLK_EPIPE == EPIPE, "errno");
_Static_assert(HVC_BLK_ERANGE == ERANGE && HVC_BLK_ESHUTDOWN == ESHUTDOWN, "errno");

/* One more than may be in flight, so that a v1 call always finds one. */
#define POOL_SIZE (HVC_BLK_DEPTH + 1)

struct hvc_disk *hvc_disk(struct hvc_blk *blk, uint64_t dev)
{
	return dev < blk->config.nr_disks ? &blk->disks[dev] : NULL;
}

/*
 * Requests of a vCPU: mapped, so that only those that were ever in flight take memory. The list
 * is last in, first out, which keeps them few and warm.
 */
int hvc_init_pool(struct hvc_vcpu *vcpu)
{
	void *pool = mmap(NULL, POOL_SIZE * sizeof(struct hvc_req), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pool == MAP_FAILED)
		return -errno;
	vcpu->pool = pool;
	return 0;
}

void hvc_fini_pool(struct hvc_vcpu *vcpu)
{
	if (vcpu->pool)
		munmap(vcpu->pool, POOL_SIZE * sizeof(struct hvc_req));
}

static int init_vcpu(struct hvc_blk *blk, unsigned int index)
{
	struct hvc_vcpu *vcpu = &blk->vcpus[index];

	vcpu->blk = blk;
	vcpu->index = index;
	vcpu->line = &blk->config.lines[index];
	return hvc_init_pool(vcpu);
}

int hvc_open_engine(struct hvc_vcpu *vcpu, struct disk *const *disks, unsigned int nr_disks,
		    int eventfd)
{
	struct blk_queue_config config = {
		.engine = vcpu->blk->config.engine,
		.wake = BLK_WAKE_EVENTFD,
		.depth = POOL_SIZE,
		.eventfd = eventfd,
		.disks = disks,
		.nr_disks = nr_disks,
		.pinned = vcpu->blk->config.pinned,
		.done = hvc_done,
		.ctx = vcpu,
	};

	return blk_queue_create(&config, &vcpu->engine);
}

/* The ring of a vCPU serves every disk. */
static int open_vcpu(struct hvc_blk *blk, unsigned int index)
{
	struct disk *disks[HVC_BLK_MAX_DISKS];

	for (unsigned int i = 0; i < blk->config.nr_disks; i++)
		disks[i] = blk->disks[i].disk;
	return hvc_open_engine(&blk->vcpus[index], disks, blk->config.nr_disks,
			       blk->config.lines[index].eventfd);
}

int hvc_blk_create(const struct hvc_blk_config *config, struct hvc_blk **out)
{
	struct hvc_blk *blk;
	int ret = 0;

	if (!config->nr_disks || config->nr_disks > HVC_BLK_MAX_DISKS || !config->nr_vcpus)
		return -EINVAL;
	blk = calloc(1, sizeof(*blk) + config->nr_vcpus * sizeof(blk->vcpus[0]));
	if (!blk)
		return -ENOMEM;
	blk->config = *config;
	for (unsigned int i = 0; i < config->nr_disks; i++)
		blk->disks[i].disk = config->disks[i];
	for (unsigned int i = 0; ret == 0 && i < config->nr_vcpus; i++)
		ret = init_vcpu(blk, i);
	if (ret < 0) {
		hvc_blk_destroy(blk);
		return ret;
	}
	*out = blk;
	return 0;
}

int hvc_blk_open(struct hvc_blk *blk)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < blk->config.nr_vcpus; i++)
		ret = open_vcpu(blk, i);
	for (unsigned int i = 0; ret == 0 && i < blk->config.nr_disks; i++)
		if (disk_config(blk->disks[i].disk)->mode == DISK_MODE_THREAD)
			ret = hvc_poll_start(blk, &blk->disks[i]);
	return ret;
}

void hvc_blk_destroy(struct hvc_blk *blk)
{
	if (!blk)
		return;
	for (unsigned int i = 0; i < blk->config.nr_disks; i++)
		hvc_poll_stop(blk->disks[i].poller);
	for (unsigned int i = 0; i < blk->config.nr_vcpus; i++) {
		blk_queue_destroy(blk->vcpus[i].engine);
		hvc_fini_pool(&blk->vcpus[i]);
	}
	free(blk);
}

int hvc_blk_attach(struct hvc_blk *blk, unsigned int index)
{
	struct hvc_vcpu *vcpu = &blk->vcpus[index];
	int ret = blk_queue_attach(vcpu->engine);

	hvc_mmio_attach(vcpu);
	vcpu->attached = ret == 0;
	return ret;
}

void hvc_blk_drain(struct hvc_blk *blk, unsigned int vcpu)
{
	if (!blk->vcpus[vcpu].attached)
		return;
	hvc_quiesce(&blk->vcpus[vcpu]);
	if (blk->vcpus[vcpu].nr_polled)
		hvc_poll_park(&blk->vcpus[vcpu]);
}

void hvc_blk_changed(struct hvc_blk *blk, unsigned int disk)
{
	/* After the change itself; pairs with the load in fill_info(). */
	atomic_fetch_add_explicit(&blk->disks[disk].generation, 1, memory_order_release);
	/* It shows the change in its queues' headers, and interrupts then. */
	if (blk->disks[disk].poller)
		hvc_poll_wake(blk->disks[disk].poller);
	for (unsigned int i = 0; i < blk->config.nr_vcpus; i++)
		irq_line_pulse(&blk->config.lines[i]);
}

typedef void (*hvc_function)(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);

/* The calls with arguments, by function identifier. */
static const struct hvc_call {
	uint32_t fid;
	unsigned int nr_args;
	hvc_function call;
} calls[] = {
	{ HVC_BLK_READ, 4, hvc_v1_read },	   { HVC_BLK_WRITE, 4, hvc_v1_write },
	{ HVC_BLK_FLUSH, 1, hvc_v1_flush },	   { HVC_BLK_CAPACITY, 1, hvc_v1_capacity },
	{ HVC_BLK_PROBE, 0, hvc_v1_probe },	   { HVC_BLK_VERSION, 0, hvc_version },
	{ HVC_BLK_DEV_INFO, 3, hvc_dev_info },	   { HVC_BLK_QUEUE_SETUP, 2, hvc_queue_setup },
	{ HVC_BLK_QUEUE_CTRL, 2, hvc_queue_ctrl }, { HVC_BLK_GET_ID, 2, hvc_get_id },
};

static const struct hvc_call *find_call(uint32_t fid)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].fid == fid)
			return &calls[i];
	return NULL;
}

/* The calls without arguments: 0, -errno, or 1 where @fid is none of them. */
static int ring_call(struct hvc_vcpu *vcpu, uint32_t fid)
{
	uint32_t id = fid % HVC_BLK_MAX_QUEUES;

	switch (fid - id) {
	case HVC_BLK_DOORBELL:
		return hvc_doorbell(vcpu, id, false);
	case HVC_BLK_REAP:
		return hvc_reap(vcpu, id);
	case HVC_BLK_DOORBELL_WAIT:
		return hvc_doorbell(vcpu, id, true);
	case HVC_BLK_WAKEUP:
		return hvc_wakeup(vcpu, id);
	default:
		return 1;
	}
}

void hvc_invoke(struct hvc_vcpu *vcpu, uint32_t fid, const uint64_t *args, struct hvc_reply *reply)
{
	const struct hvc_call *call = find_call(fid);

	hvc_count(&vcpu->stats.calls);
	if (call)
		call->call(vcpu, args, reply);
	else
		hvc_answer(reply, -1);
}

int hvc_invoke_ring(struct hvc_vcpu *vcpu, uint32_t fid)
{
	return vcpu->attached ? ring_call(vcpu, fid) : -EIO;
}

static void call_with_args(struct hvc_vcpu *vcpu, struct smccc_call *call, struct hvc_reply *reply)
{
	const struct hvc_call *found = find_call(call->exit->fid);
	uint64_t args[6] = { 0 };

	if (!vcpu->attached ||
	    (found && found->nr_args && smccc_args(call, found->nr_args, args) < 0)) {
		hvc_answer(reply, -EIO);
		return;
	}
	hvc_invoke(vcpu, call->exit->fid, args, reply);
}

void hvc_blk_call(struct hvc_blk *blk, struct smccc_call *call)
{
	struct hvc_vcpu *vcpu = &blk->vcpus[call->vcpu];
	struct hvc_reply reply = { 0 };
	int ret = hvc_invoke_ring(vcpu, call->exit->fid);

	if (ret == 0)
		return; /* accepted: no register is written */
	if (ret < 0)
		hvc_answer(&reply, ret);
	else
		call_with_args(vcpu, call, &reply);
	call->exit->nr_ret = (uint8_t)reply.nr;
	memcpy(call->exit->ret, reply.ret, reply.nr * sizeof(reply.ret[0]));
}

static void add_stats(struct hvc_blk_stats *stats, const struct hvc_blk_stats *more)
{
	const uint64_t *one = (const uint64_t *)more;
	uint64_t *sum = (uint64_t *)stats;

	for (unsigned int n = 0; n < sizeof(*stats) / sizeof(*sum); n++)
		sum[n] += __atomic_load_n(&one[n], __ATOMIC_RELAXED);
}

void hvc_blk_stats(const struct hvc_blk *blk, struct hvc_blk_stats *stats)
{
	*stats = (struct hvc_blk_stats){ 0 };
	for (unsigned int i = 0; i < blk->config.nr_vcpus; i++)
		add_stats(stats, &blk->vcpus[i].stats);
	for (unsigned int i = 0; i < blk->config.nr_disks; i++)
		if (blk->disks[i].poller)
			add_stats(stats, hvc_poll_stats(blk->disks[i].poller));
}
