/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine for hosts where io_uring is refused: a bounded pool of threads that make plain system
 * calls. A request is handed to a worker and comes back whole.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue_internal.h"

#define MAX_WORKERS 4u
#define NS_PER_S    1000000000u

struct sync {
	struct blk_queue *queue;
	struct req_list pending; /* the owner's: submitted, not kicked */
	unsigned int nr_pending;

	pthread_mutex_t lock; /* guards what follows; a leaf */
	pthread_cond_t work, ended;
	struct req_list todo, done;
	unsigned int idle;
	uint64_t alarm; /* blk_host.now; UINT64_MAX: none */
	bool alarmed;	/* the alarm went off and the owner has not looked since */
	bool wakes, stop;

	unsigned int nr_workers;
	pthread_t workers[MAX_WORKERS];
};

static int64_t perform(const struct blk_host *host, const struct blk_req *req,
		       const struct blk_step *step)
{
	int fd = blk_queue_fd(req);

	switch (step->kind) {
	case BLK_STEP_READ:
		return host->preadv2(fd, step->iov, step->nr_iov, step->offset, step->flags);
	case BLK_STEP_WRITE:
		return host->pwritev2(fd, step->iov, step->nr_iov, step->offset, step->flags);
	case BLK_STEP_FALLOCATE:
		return host->fallocate(fd, step->flags, step->offset, step->len);
	case BLK_STEP_DISCARD:
		return host->discard(fd, step->offset, step->len);
	case BLK_STEP_SYNC:
		break;
	}
	return host->fdatasync(fd);
}

static void serve(const struct blk_host *host, struct blk_req *req)
{
	struct blk_step step;

	do {
		blk_step_next(req, &step);
	} while (!blk_step_result(req, perform(host, req, &step)));
}

static void wake(const struct blk_queue *queue)
{
	static const uint64_t one = 1;

	if (queue->config.wake == BLK_WAKE_SIGNAL)
		queue->config.wake_owner(queue->config.ctx);
	else
		(void)!write(queue->eventfd, &one, sizeof(one));
}

/*
 * Tells the owner, who looks under the lock at all there is: once until then is enough. The lock is
 * let go meanwhile, since a front end's function may take its own.
 */
static void tell_locked(struct sync *sync)
{
	pthread_cond_signal(&sync->ended);
	if (!sync->wakes)
		return;
	pthread_mutex_unlock(&sync->lock);
	wake(sync->queue);
	pthread_mutex_lock(&sync->lock);
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
				  .tv_nsec = (long)(ns % NS_PER_S) };
}

static void ring_alarm_locked(struct sync *sync)
{
	if (sync->alarm == UINT64_MAX || sync->queue->host->now() < sync->alarm)
		return;
	sync->alarm = UINT64_MAX;
	sync->alarmed = true;
	tell_locked(sync);
}

static void rest_locked(struct sync *sync)
{
	struct timespec until = to_timespec(sync->alarm);

	sync->idle++;
	if (sync->alarm == UINT64_MAX)
		pthread_cond_wait(&sync->work, &sync->lock);
	else
		pthread_cond_timedwait(&sync->work, &sync->lock, &until);
	sync->idle--;
}

static void *work(void *arg)
{
	struct sync *sync = arg;
	struct blk_req *req;

	pthread_mutex_lock(&sync->lock);
	while (!sync->stop) {
		ring_alarm_locked(sync);
		req = req_list_take(&sync->todo);
		if (!req) {
			/* Asked once more: telling the owner let the lock go. */
			if (!sync->stop)
				rest_locked(sync);
			continue;
		}
		pthread_mutex_unlock(&sync->lock);
		serve(sync->queue->host, req);
		pthread_mutex_lock(&sync->lock);
		req_list_add(&sync->done, req);
		if (sync->done.head == req)
			tell_locked(sync);
	}
	pthread_mutex_unlock(&sync->lock);
	return NULL;
}

/* ---- the owner's side ------------------------------------------------------------------------ */

static void sync_submit(struct blk_queue *queue, struct blk_req *req)
{
	struct sync *sync = queue->engine;

	req_list_add(&sync->pending, req);
	sync->nr_pending++;
}

static void start_locked(struct sync *sync)
{
	unsigned int wanted = sync->nr_pending;
	struct blk_req *req;

	while ((req = req_list_take(&sync->pending)))
		req_list_add(&sync->todo, req);
	sync->nr_pending = 0;
	for (unsigned int i = 0; i < wanted && i < sync->idle; i++)
		pthread_cond_signal(&sync->work);
}

/* What ended may give its bounce buffer to another, which is to be started then. */
static void collect(struct blk_queue *queue)
{
	struct sync *sync = queue->engine;
	struct req_list done;
	struct blk_req *req;

	do {
		pthread_mutex_lock(&sync->lock);
		start_locked(sync);
		done = sync->done;
		sync->done = (struct req_list){ 0 };
		sync->alarmed = false;
		pthread_mutex_unlock(&sync->lock);
		while ((req = req_list_take(&done)))
			blk_queue_finished(queue, req);
	} while (sync->pending.head);
}

static uint64_t deadline(const struct sync *sync, uint64_t ns)
{
	uint64_t until;

	return __builtin_add_overflow(sync->queue->host->now(), ns, &until) ? UINT64_MAX : until;
}

static void sync_wait(struct blk_queue *queue, uint64_t ns)
{
	struct sync *sync = queue->engine;
	struct timespec until = to_timespec(deadline(sync, ns));
	int ret = 0;

	pthread_mutex_lock(&sync->lock);
	start_locked(sync);
	while (!sync->done.head && !sync->alarmed && ret != ETIMEDOUT)
		ret = pthread_cond_timedwait(&sync->ended, &sync->lock, &until);
	pthread_mutex_unlock(&sync->lock);
	collect(queue);
}

/* A pair with what follows, the owner's blk_reap(): either it finds the request or a worker tells.
 */
static void sync_wakes(struct blk_queue *queue, bool on)
{
	struct sync *sync = queue->engine;

	pthread_mutex_lock(&sync->lock);
	sync->wakes = on;
	pthread_mutex_unlock(&sync->lock);
}

static void sync_alarm(struct blk_queue *queue, uint64_t when)
{
	struct sync *sync = queue->engine;

	pthread_mutex_lock(&sync->lock);
	if (when < sync->alarm) {
		sync->alarm = when;
		pthread_cond_signal(&sync->work);
	}
	pthread_mutex_unlock(&sync->lock);
}

static int sync_attach(struct blk_queue *queue)
{
	(void)queue;
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void stop_workers(struct sync *sync)
{
	pthread_mutex_lock(&sync->lock);
	sync->stop = true;
	pthread_cond_broadcast(&sync->work);
	pthread_mutex_unlock(&sync->lock);
	for (unsigned int i = 0; i < sync->nr_workers; i++)
		pthread_join(sync->workers[i], NULL);
}

/* Signals are for the threads that wait for them. */
static int start_workers(struct sync *sync)
{
	unsigned int wanted = sync->queue->config.depth;
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned int i = 0; ret == 0 && i < wanted && i < MAX_WORKERS; i++) {
		char name[16];

		ret = pthread_create(&sync->workers[i], NULL, work, sync);
		if (ret)
			break;
		sync->nr_workers++;
		snprintf(name, sizeof(name), "block%u", i);
		pthread_setname_np(sync->workers[i], name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

static void sync_destroy(struct blk_queue *queue)
{
	struct sync *sync = queue->engine;

	stop_workers(sync);
	pthread_cond_destroy(&sync->ended);
	pthread_cond_destroy(&sync->work);
	pthread_mutex_destroy(&sync->lock);
	free(sync);
}

static int sync_create(struct blk_queue *queue)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	pthread_condattr_t attr;
	int ret;

	if (!sync)
		return -ENOMEM;
	sync->queue = queue;
	sync->alarm = UINT64_MAX;
	sync->wakes = true;
	queue->engine = sync;
	pthread_mutex_init(&sync->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sync->work, &attr);
	pthread_cond_init(&sync->ended, &attr);
	pthread_condattr_destroy(&attr);
	ret = start_workers(sync);
	if (ret < 0)
		sync_destroy(queue);
	return ret;
}

const struct blk_engine_ops blk_sync_ops = {
	.engine = BLK_ENGINE_SYNC,
	.create = sync_create,
	.destroy = sync_destroy,
	.attach = sync_attach,
	.submit = sync_submit,
	.kick = collect,
	.wait = sync_wait,
	.wakes = sync_wakes,
	.alarm = sync_alarm,
};
