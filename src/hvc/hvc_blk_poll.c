/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pollers: a thread a disk that serves rings without being called, as io_uring's SQPOLL does
 * (docs/abi-hvc-blk.md, "Host polling").
 *
 * Awake, it shows POLLING and looks at each queue's sq_tail. Before it sleeps it shows NEED_WAKEUP
 * and looks once more. The fence between the two pairs with the guest's, between its store of
 * sq_tail and its load of the flags: either the poller finds the request, or the guest finds that
 * it has to call. The fence in hvc_poll_wake() pairs with the same one: either the caller finds the
 * poller asleep, or the poller finds what the caller is about.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "hvc_blk_internal.h"

/*
 * How long it looks before it sleeps: from nothing to several times what a call and the wake-up of
 * a thread cost. While sleeps are shorter than the most, looking on would have spared them.
 */
#define IDLE_FIRST_NS 8000u
#define IDLE_MOST_NS  128000u

/* Something to be done by the poller for a thread that waits. */
struct hvc_ask {
	hvc_work work;
	struct hvc_queue *queue;
	uint64_t arg;
	int64_t ret;
	bool done;
	struct hvc_ask *next;
};

struct hvc_poller {
	struct hvc_vcpu server; /* the thread's */
	struct disk *disk;
	uint64_t idle_ns;
	pthread_t thread;
	int eventfd; /* completions and calls; asleep is a read of it */
	_Atomic bool asleep;
	_Atomic bool undone; /* as it went to sleep: a queue waits for room or for news */
	_Atomic bool stop;
	_Atomic bool asked;
	pthread_mutex_t lock; /* guards what follows; a leaf */
	pthread_cond_t answered;
	struct hvc_ask *asks;
	int started; /* 1: not yet; 0 or -errno */
};

/* ---- callers --------------------------------------------------------------------------------- */

static void tell(struct hvc_poller *poller)
{
	(void)eventfd_write(poller->eventfd, 1);
}

void hvc_poll_wake(struct hvc_poller *poller)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (atomic_load_explicit(&poller->asleep, memory_order_relaxed))
		tell(poller);
}

void hvc_poll_unpark(struct hvc_vcpu *vcpu)
{
	if (atomic_load_explicit(&vcpu->parked, memory_order_relaxed))
		atomic_store_explicit(&vcpu->parked, false, memory_order_release);
}

void hvc_poll_nudge(struct hvc_vcpu *vcpu)
{
	struct hvc_blk *blk = vcpu->blk;

	hvc_poll_unpark(vcpu);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < blk->config.nr_disks; i++) {
		struct hvc_poller *poller = blk->disks[i].poller;

		if (poller && atomic_load_explicit(&poller->asleep, memory_order_relaxed) &&
		    atomic_load_explicit(&poller->undone, memory_order_relaxed))
			tell(poller);
	}
}

int64_t hvc_poll_run(struct hvc_poller *poller, hvc_work work, struct hvc_queue *queue,
		     uint64_t arg)
{
	struct hvc_ask ask = { .work = work, .queue = queue, .arg = arg };

	pthread_mutex_lock(&poller->lock);
	ask.next = poller->asks;
	poller->asks = &ask; /* cppcheck-suppress autoVariables ; taken off before it ends */
	atomic_store_explicit(&poller->asked, true, memory_order_relaxed);
	pthread_mutex_unlock(&poller->lock);
	hvc_poll_wake(poller);
	pthread_mutex_lock(&poller->lock);
	while (!ask.done)
		pthread_cond_wait(&poller->answered, &poller->lock);
	pthread_mutex_unlock(&poller->lock);
	return ask.ret;
}

const struct hvc_blk_stats *hvc_poll_stats(const struct hvc_poller *poller)
{
	return &poller->server.stats;
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool is_parked(const struct hvc_queue *queue)
{
	return atomic_load_explicit(&queue->vcpu->parked, memory_order_acquire);
}

static void set_polling(struct hvc_vcpu *server, struct hvc_queue *queue, bool on)
{
	if (queue->polling == on)
		return;
	queue->polling = on;
	hvc_mark(server, queue);
}

/* True: it took something. */
static bool look(struct hvc_vcpu *server, struct hvc_queue *queue)
{
	uint32_t generation = queue->generation;

	if (hvc_is_behind(server, queue))
		hvc_note_changes(server, queue);
	if (queue->generation != generation)
		hvc_miss(server, queue);
	return hvc_state(queue) == HVC_QUEUE_ENABLED && hvc_announce(server, queue) == 0 &&
	       hvc_take_announced(server, queue);
}

/* What ended, and what was asked for meanwhile, to the guest. */
static void show(struct hvc_vcpu *server)
{
	hvc_show(server);
	hvc_raise_missed(server);
}

static bool look_at_all(struct hvc_vcpu *server, bool polling)
{
	bool any = false;

	for (struct hvc_queue *queue = server->queues; queue; queue = queue->next) {
		if (is_parked(queue))
			continue;
		set_polling(server, queue, polling);
		any |= look(server, queue);
	}
	if (any)
		blk_kick(server->engine);
	else if (blk_in_flight(server->engine))
		any = blk_reap(server->engine) > 0;
	show(server);
	return any;
}

static bool answer(struct hvc_poller *poller)
{
	struct hvc_ask *ask, *next;

	if (!atomic_load_explicit(&poller->asked, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&poller->lock);
	ask = poller->asks;
	poller->asks = NULL;
	atomic_store_explicit(&poller->asked, false, memory_order_relaxed);
	pthread_mutex_unlock(&poller->lock);
	for (; ask; ask = next) {
		int64_t ret = ask->work(&poller->server, ask->queue, ask->arg);

		next = ask->next; /* it is its owner's when it is done */
		pthread_mutex_lock(&poller->lock);
		ask->ret = ret;
		ask->done = true;
		pthread_cond_broadcast(&poller->answered);
		pthread_mutex_unlock(&poller->lock);
	}
	return true;
}

/* One turn: true if there was something to do. */
static bool turn(struct hvc_poller *poller, bool polling)
{
	bool answered = answer(poller);

	return look_at_all(&poller->server, polling) || answered;
}

/* As before a sleep, for the queues of one vCPU; then nothing is in flight. */
static int64_t park(struct hvc_vcpu *server, struct hvc_queue *unused, uint64_t index)
{
	const struct hvc_vcpu *vcpu = &server->blk->vcpus[index];

	(void)unused;
	for (struct hvc_queue *queue = server->queues; queue; queue = queue->next)
		if (queue->vcpu == vcpu)
			set_polling(server, queue, false);
	hvc_show(server);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (struct hvc_queue *queue = server->queues; queue; queue = queue->next)
		if (queue->vcpu == vcpu)
			look(server, queue);
	hvc_quiesce(server);
	return 0;
}

/* Each pass looks at @parked first, so that none but its last look is under way afterwards. */
void hvc_poll_park(struct hvc_vcpu *vcpu)
{
	struct hvc_blk *blk = vcpu->blk;

	atomic_store_explicit(&vcpu->parked, true, memory_order_release);
	for (unsigned int i = 0; i < blk->config.nr_disks; i++)
		if (blk->disks[i].poller)
			hvc_poll_run(blk->disks[i].poller, park, NULL, vcpu->index);
}

/* ---- sleeping -------------------------------------------------------------------------------- */

static bool turn_a_little_longer(struct hvc_poller *poller)
{
	uint64_t end = clock_ns() + poller->idle_ns;

	while (clock_ns() < end && !atomic_load_explicit(&poller->stop, memory_order_relaxed))
		if (turn(poller, true))
			return true;
	return false;
}

static void learn(struct hvc_poller *poller, uint64_t slept)
{
	if (slept > IDLE_MOST_NS)
		poller->idle_ns = poller->idle_ns <= IDLE_FIRST_NS ? 0 : poller->idle_ns / 2;
	else if (!poller->idle_ns)
		poller->idle_ns = IDLE_FIRST_NS;
	else if (poller->idle_ns < IDLE_MOST_NS)
		poller->idle_ns *= 2;
}

/* Parked queues too: their vCPU's first call is to find that there is something. */
static bool leaves_undone(const struct hvc_vcpu *server)
{
	for (const struct hvc_queue *queue = server->queues; queue; queue = queue->next)
		if (hvc_waits(queue) || hvc_is_behind(server, queue))
			return true;
	return false;
}

static void say_asleep(struct hvc_poller *poller)
{
	struct hvc_vcpu *server = &poller->server;

	for (struct hvc_queue *queue = server->queues; queue; queue = queue->next)
		set_polling(server, queue, false);
	hvc_show(server);
	atomic_store_explicit(&poller->undone, leaves_undone(server), memory_order_relaxed);
	atomic_store_explicit(&poller->asleep, true, memory_order_relaxed);
	blk_wakes(server->engine, true);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The last look may have found what there is no room for: callers must know that, too. */
static bool said_all(struct hvc_poller *poller)
{
	return atomic_load_explicit(&poller->undone, memory_order_relaxed) ==
	       leaves_undone(&poller->server);
}

static void sleep_until_told(struct hvc_poller *poller)
{
	uint64_t start = clock_ns();
	eventfd_t count;

	hvc_count(&poller->server.stats.sleeps);
	if (eventfd_read(poller->eventfd, &count) < 0 && errno != EINTR)
		log_error("disk poller: cannot wait: error %d", errno);
	learn(poller, clock_ns() - start);
}

static void work(struct hvc_poller *poller)
{
	while (!atomic_load(&poller->stop)) {
		while (turn(poller, true) || turn_a_little_longer(poller))
			if (atomic_load(&poller->stop))
				return;
		say_asleep(poller);
		if (!turn(poller, false) && said_all(poller) && !atomic_load(&poller->stop))
			sleep_until_told(poller);
		atomic_store_explicit(&poller->asleep, false, memory_order_relaxed);
		blk_wakes(poller->server.engine, false);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

static void *run(void *arg)
{
	struct hvc_poller *poller = arg;
	int ret = blk_queue_attach(poller->server.engine);

	pthread_mutex_lock(&poller->lock);
	poller->started = ret;
	pthread_cond_broadcast(&poller->answered);
	pthread_mutex_unlock(&poller->lock);
	if (ret < 0)
		return NULL;
	work(poller);
	blk_queue_drain(poller->server.engine);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct hvc_poller *poller)
{
	sigset_t all, before;
	char name[16];
	int ret;

	poller->started = 1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&poller->thread, NULL, run, poller);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return -ret;
	snprintf(name, sizeof(name), "%.15s", disk_config(poller->disk)->id);
	pthread_setname_np(poller->thread, name);
	pthread_mutex_lock(&poller->lock);
	while (poller->started > 0)
		pthread_cond_wait(&poller->answered, &poller->lock);
	pthread_mutex_unlock(&poller->lock);
	ret = poller->started;
	if (ret < 0)
		pthread_join(poller->thread, NULL);
	return ret;
}

static void destroy(struct hvc_poller *poller)
{
	blk_queue_destroy(poller->server.engine);
	hvc_fini_pool(&poller->server);
	if (poller->eventfd >= 0)
		close(poller->eventfd);
	pthread_cond_destroy(&poller->answered);
	pthread_mutex_destroy(&poller->lock);
	free(poller);
}

int hvc_poll_start(struct hvc_blk *blk, struct hvc_disk *disk)
{
	struct hvc_poller *poller = calloc(1, sizeof(*poller));
	int ret;

	if (!poller)
		return -ENOMEM;
	poller->disk = disk->disk;
	poller->server.blk = blk;
	poller->idle_ns = IDLE_FIRST_NS;
	pthread_mutex_init(&poller->lock, NULL);
	pthread_cond_init(&poller->answered, NULL);
	poller->eventfd = eventfd(0, EFD_CLOEXEC);
	ret = poller->eventfd < 0 ? -errno : hvc_init_pool(&poller->server);
	if (ret == 0)
		ret = hvc_open_engine(&poller->server, &poller->disk, 1, poller->eventfd);
	if (ret == 0)
		ret = start_thread(poller);
	if (ret < 0)
		destroy(poller);
	else
		disk->poller = poller;
	return ret;
}

void hvc_poll_stop(struct hvc_poller *poller)
{
	if (!poller)
		return;
	atomic_store(&poller->stop, true);
	tell(poller);
	pthread_join(poller->thread, NULL);
	destroy(poller);
}
