/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* How long it looks before it sleeps: from nothing to what a wake-up costs several times over. */
#define POLL_FIRST_NS 4000u
#define POLL_MOST_NS  32000u

struct worker {
	struct worker_config config;
	pthread_t thread;
	int epoll;
	int control; /* eventfd: stop */
	_Atomic bool stop;
	uint64_t poll_ns;
};

static bool serve(struct worker *worker)
{
	return worker->config.ops->serve(worker->config.ctx);
}

static bool poll_a_little(struct worker *worker)
{
	uint64_t end;

	if (!worker->poll_ns)
		return false;
	end = clock_ns() + worker->poll_ns;
	do {
		if (serve(worker))
			return true;
	} while (clock_ns() < end);
	return false;
}

/* A short sleep would have been better spent looking; a long one, looking was a waste. */
static void learn(struct worker *worker, uint64_t slept)
{
	if (slept > POLL_MOST_NS)
		worker->poll_ns = 0;
	else if (!worker->poll_ns)
		worker->poll_ns = POLL_FIRST_NS;
	else if (worker->poll_ns < POLL_MOST_NS)
		worker->poll_ns *= 2;
}

/* Edge-triggered: an eventfd that is never read still tells of each write. */
static void sleep_until_told(struct worker *worker)
{
	const struct worker_config *config = &worker->config;
	struct epoll_event events[WORKER_MAX_FDS + 1];
	uint64_t start = clock_ns();
	int n = epoll_wait(worker->epoll, events, WORKER_MAX_FDS + 1, -1);

	if (n < 0 && errno != EINTR)
		log_error("%s: its thread cannot wait: error %d", config->name, errno);
	learn(worker, clock_ns() - start);
	for (int i = 0; i < n; i++)
		if (events[i].events & (EPOLLERR | EPOLLHUP) && config->ops->lost)
			config->ops->lost(config->ctx, events[i].data.fd);
}

static void work(struct worker *worker)
{
	const struct worker_config *config = &worker->config;

	while (!atomic_load(&worker->stop)) {
		while (serve(worker) || poll_a_little(worker)) {
			if (atomic_load(&worker->stop))
				return;
		}
		/* From here on descriptors tell; what came before is found by rest(). */
		if (!config->ops->rest || !config->ops->rest(config->ctx))
			sleep_until_told(worker);
		if (config->ops->wake)
			config->ops->wake(config->ctx);
	}
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	const struct worker_config *config = &worker->config;
	int ret = config->ops->begin ? config->ops->begin(config->ctx) : 0;

	if (ret < 0)
		return (void *)(intptr_t)ret;
	work(worker);
	if (config->ops->end)
		config->ops->end(config->ctx);
	return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int watch(struct worker *worker, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events | EPOLLET, .data.fd = fd };

	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_fds(struct worker *worker)
{
	const struct worker_config *config = &worker->config;
	int ret;

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll < 0 || worker->control < 0)
		return -errno;
	ret = watch(worker, worker->control, EPOLLIN);
	for (unsigned int i = 0; ret == 0 && i < config->nr_fds; i++)
		ret = watch(worker, config->fds[i].fd, config->fds[i].events);
	return ret;
}

static void close_fds(struct worker *worker)
{
	if (worker->epoll >= 0)
		close(worker->epoll);
	if (worker->control >= 0)
		close(worker->control);
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	char name[16];
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return -ret;
	snprintf(name, sizeof(name), "%.15s", worker->config.name);
	pthread_setname_np(worker->thread, name);
	return 0;
}

int worker_start(const struct worker_config *config, struct worker **out)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret;

	if (!worker)
		return -ENOMEM;
	worker->config = *config;
	worker->epoll = worker->control = -1;
	ret = open_fds(worker);
	if (ret == 0)
		ret = start_thread(worker);
	if (ret < 0) {
		close_fds(worker);
		free(worker);
		return ret;
	}
	*out = worker;
	return 0;
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	atomic_store(&worker->stop, true);
	(void)eventfd_write(worker->control, 1);
	pthread_join(worker->thread, NULL);
	close_fds(worker);
	free(worker);
}
