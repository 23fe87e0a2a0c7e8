/* SPDX-License-Identifier: Apache-2.0 */
/* What comes by the balloon's queues (virtio 1.2 section 5.5.6). */
#include <errno.h>
#include <string.h>

#include "balloon_internal.h"
#include "base/util.h"

#define MAX_CHAINS 16u /* of a queue, before others have their turn */

struct statistic {
	uint16_t tag;
	uint64_t value;
} __attribute__((packed));

_Static_assert(sizeof(struct statistic) == VBALLOON_STAT_SIZE, "virtio 1.2 section 5.5.6.3");

/* ---- one chain of each kind ------------------------------------------------------------------ */

static int move_pages(struct vballoon *balloon, struct virtq_chain *chain, bool in)
{
	struct scatter list = { chain->iov, chain->nr_out, chain->out_len };
	uint32_t pfns[VBALLOON_BATCH];

	if (chain->out_len > VBALLOON_MAX_BYTES)
		return -EPROTO;
	while (list.len >= sizeof(pfns[0])) {
		size_t nr = list.len / sizeof(pfns[0]);

		if (nr > VBALLOON_BATCH)
			nr = VBALLOON_BATCH;
		scatter_take_front(&list, pfns, nr * sizeof(pfns[0]));
		if (in)
			vballoon_pages_inflate(&balloon->pages, pfns, (unsigned int)nr);
		else
			vballoon_pages_deflate(&balloon->pages, pfns, (unsigned int)nr);
	}
	return 0;
}

/*
 * Section 5.5.6.5: memory that the driver does not use, and finds zero. One whose free pages hold
 * something else wants to find that.
 */
static void report(struct vballoon *balloon, const struct virtq_chain *chain)
{
	const struct vballoon_pages *pages = &balloon->pages;

	if (atomic_load(&balloon->poison))
		return;
	for (unsigned int i = chain->nr_out; i < chain->nr_out + chain->nr_in; i++) {
		const struct iovec *iov = &chain->iov[i];
		int64_t given = gmem_discard(pages->mem, iov->iov_base, iov->iov_len);

		if (given < 0)
			vballoon_count(&balloon->pages.errors, 1);
		else
			vballoon_count(&balloon->reported, (uint64_t)given);
	}
}

/* The chain is kept: it goes back when new ones are wanted, and comes again with them. */
static void take_stats(struct vballoon *balloon, struct virtqueue *vq, struct virtq_chain *chain)
{
	struct scatter list = { chain->iov, chain->nr_out, chain->out_len };
	struct statistic stat;
	uint32_t known = 0;

	for (unsigned int i = 0; i < 2 * VBALLOON_NR_STATS; i++) {
		if (!scatter_take_front(&list, &stat, sizeof(stat)))
			break;
		if (stat.tag >= VBALLOON_NR_STATS)
			continue;
		atomic_store(&balloon->guest[stat.tag], stat.value);
		known |= BIT(stat.tag);
	}
	atomic_store(&balloon->known, known);
	pthread_mutex_lock(&vq->lock);
	if (balloon->has_stats)
		virtqueue_push_locked(vq, balloon->stats_head, 0);
	pthread_mutex_unlock(&vq->lock);
	balloon->has_stats = true;
	balloon->stats_head = chain->head;
}

/* ---- queues ---------------------------------------------------------------------------------- */

enum role { ROLE_NONE, ROLE_INFLATE, ROLE_DEFLATE, ROLE_STATS, ROLE_REPORT };

/*
 * Section 5.5.2 gives the queue of reports number 4. Linux gives queues whose features were not
 * negotiated no number, which makes it the one behind the last that it has: any of these is.
 */
static enum role role_of(const struct vballoon *balloon, unsigned int queue)
{
	bool stats = balloon->features & BIT64(VBALLOON_F_STATS_VQ);

	if (queue == VBALLOON_INFLATE)
		return ROLE_INFLATE;
	if (queue == VBALLOON_DEFLATE)
		return ROLE_DEFLATE;
	if (queue == VBALLOON_STATS && stats)
		return ROLE_STATS;
	return balloon->features & BIT64(VBALLOON_F_REPORTING) ? ROLE_REPORT : ROLE_NONE;
}

static int pop(struct virtqueue *vq, struct virtq_chain *chain)
{
	int ret;

	pthread_mutex_lock(&vq->lock);
	ret = virtqueue_pop_locked(vq, chain);
	pthread_mutex_unlock(&vq->lock);
	return ret;
}

static void push(struct virtqueue *vq, uint16_t head)
{
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, head, 0);
	pthread_mutex_unlock(&vq->lock);
}

/* One chain: 1, 0 (there is none), -EPROTO (it broke the rules). */
static int serve_one(struct vballoon *balloon, struct virtqueue *vq, enum role role)
{
	struct iovec iov[VBALLOON_MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = VBALLOON_MAX_IOV };
	int ret = pop(vq, &chain);

	if (ret <= 0)
		return ret;
	ret = 0;
	if (role == ROLE_STATS) {
		take_stats(balloon, vq, &chain);
		return 1;
	}
	if (role == ROLE_REPORT)
		report(balloon, &chain);
	else
		ret = move_pages(balloon, &chain, role == ROLE_INFLATE);
	if (ret < 0) {
		pthread_mutex_lock(&vq->lock);
		virtqueue_break_locked(vq);
		pthread_mutex_unlock(&vq->lock);
		return ret;
	}
	push(vq, chain.head);
	return 1;
}

/* The driver answers with new statistics. */
static void ask_for_stats(struct vballoon *balloon, struct virtqueue *vq)
{
	if (!balloon->has_stats || !atomic_exchange(&balloon->refresh, false))
		return;
	push(vq, balloon->stats_head);
	balloon->has_stats = false;
}

/* True: there was something. */
static bool serve_queue(struct vballoon *balloon, unsigned int index)
{
	struct virtqueue *vq = &balloon->dev.queues[index];
	enum role role = role_of(balloon, index);
	unsigned int nr = 0;
	bool tell;
	int ret = 0;

	if (role == ROLE_NONE)
		return false;
	while (nr < MAX_CHAINS && (ret = serve_one(balloon, vq, role)) > 0)
		nr++;
	if (role == ROLE_STATS)
		ask_for_stats(balloon, vq);
	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	if (tell)
		virtio_interrupt(&balloon->dev);
	if (ret < 0)
		virtio_needs_reset(&balloon->dev);
	return nr;
}

bool vballoon_serve(struct vballoon *balloon)
{
	bool any = false;

	pthread_mutex_lock(&balloon->lock);
	for (unsigned int i = 0; atomic_load(&balloon->started) && i < VBALLOON_NR_QUEUES; i++)
		any |= serve_queue(balloon, i);
	pthread_mutex_unlock(&balloon->lock);
	return any;
}

bool vballoon_ask(struct vballoon *balloon)
{
	bool more = false;

	pthread_mutex_lock(&balloon->lock);
	for (unsigned int i = 0; atomic_load(&balloon->started) && i < VBALLOON_NR_QUEUES; i++) {
		struct virtqueue *vq = &balloon->dev.queues[i];

		if (role_of(balloon, i) == ROLE_NONE)
			continue;
		pthread_mutex_lock(&vq->lock);
		more |= virtqueue_want_kicks_locked(vq, true);
		pthread_mutex_unlock(&vq->lock);
	}
	pthread_mutex_unlock(&balloon->lock);
	return more;
}
