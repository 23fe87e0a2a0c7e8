/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop on epoll(7), eventfd(2), timerfd(2) and signalfd(2). */
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BATCH 16

struct loop {
	int epoll;
	struct loop_event wake; /* ends epoll_wait() for loop_stop() */
	_Atomic bool stopping;
	/*
	 * Events that epoll gave and that are still to be delivered: [next, count). They outlive
	 * loop_run(), because what is edge-triggered would not be given again.
	 */
	struct epoll_event events[BATCH];
	int next, count;
};

/* loop_run() looks at the flag after every callback, this one too. */
static void woken(void *ctx)
{
	(void)ctx;
}

int loop_create(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret;

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		ret = -errno;
		goto fail;
	}
	ret = loop_event_init(loop, &loop->wake, woken, loop);
	if (ret < 0)
		goto fail_epoll;
	*out = loop;
	return 0;

fail_epoll:
	close(loop->epoll);
fail:
	free(loop);
	return ret;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop_event_fini(loop, &loop->wake);
	close(loop->epoll);
	free(loop);
}

static void deliver(struct loop *loop)
{
	const struct epoll_event *event = &loop->events[loop->next++];
	struct loop_fd *source = event->data.ptr;

	if (source)
		source->callback(source->ctx, event->events);
}

int loop_run(struct loop *loop)
{
	while (!atomic_exchange(&loop->stopping, false)) {
		if (loop->next < loop->count) {
			deliver(loop);
			continue;
		}
		loop->next = 0;
		loop->count = epoll_wait(loop->epoll, loop->events, BATCH, -1);
		if (loop->count < 0) {
			loop->count = 0;
			if (errno != EINTR)
				return -errno;
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	loop_event_raise(&loop->wake);
}

static int control(struct loop *loop, int op, struct loop_fd *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll, op, source->fd, &event) < 0 ? -errno : 0;
}

/* Leaves of @source's events that are still to be delivered those in @keep. */
static void limit_pending(struct loop *loop, const struct loop_fd *source, uint32_t keep)
{
	for (int i = loop->next; i < loop->count; i++) {
		struct epoll_event *event = &loop->events[i];

		if (event->data.ptr != source)
			continue;
		event->events &= keep;
		if (!event->events)
			event->data.ptr = NULL;
	}
}

int loop_fd_add(struct loop *loop, struct loop_fd *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int loop_fd_modify(struct loop *loop, struct loop_fd *source, uint32_t events)
{
	limit_pending(loop, source, events | EPOLLERR | EPOLLHUP);
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void loop_fd_remove(struct loop *loop, struct loop_fd *source)
{
	limit_pending(loop, source, 0);
	control(loop, EPOLL_CTL_DEL, source, 0);
}

static void event_readable(void *ctx, uint32_t events)
{
	struct loop_event *event = ctx;
	eventfd_t count;

	(void)events;
	if (eventfd_read(event->source.fd, &count) == 0)
		event->callback(event->ctx);
}

int loop_event_init(struct loop *loop, struct loop_event *event, void (*callback)(void *ctx),
		    void *ctx)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	*event = (struct loop_event){
		.source = { .fd = fd, .callback = event_readable, .ctx = event },
		.callback = callback,
		.ctx = ctx,
	};
	ret = loop_fd_add(loop, &event->source, EPOLLIN);
	if (ret < 0)
		close(fd);
	return ret;
}

void loop_event_fini(struct loop *loop, struct loop_event *event)
{
	loop_fd_remove(loop, &event->source);
	close(event->source.fd);
}

void loop_event_raise(struct loop_event *event)
{
	int saved = errno; /* a signal handler may call this */

	/* EAGAIN: the counter is full, so the event is raised already. */
	(void)eventfd_write(event->source.fd, 1);
	errno = saved;
}

static void timer_expired(void *ctx, uint32_t events)
{
	struct loop_timer *timer = ctx;
	uint64_t count;

	(void)events;
	/* Nothing to read: it was set anew after it had expired. */
	if (read(timer->source.fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		timer->callback(timer->ctx);
}

int loop_timer_init(struct loop *loop, struct loop_timer *timer, void (*callback)(void *ctx),
		    void *ctx)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	*timer = (struct loop_timer){
		.source = { .fd = fd, .callback = timer_expired, .ctx = timer },
		.callback = callback,
		.ctx = ctx,
	};
	ret = loop_fd_add(loop, &timer->source, EPOLLIN);
	if (ret < 0)
		close(fd);
	return ret;
}

void loop_timer_fini(struct loop *loop, struct loop_timer *timer)
{
	loop_fd_remove(loop, &timer->source);
	close(timer->source.fd);
}

void loop_timer_set(struct loop_timer *timer, uint64_t ns)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000) },
	};

	/* Fails on a bad descriptor or time alone, and neither is possible here. */
	timerfd_settime(timer->source.fd, 0, &when, NULL);
}

/* One signal a call: the callback may end the source, and epoll says so while there are more. */
static void signal_readable(void *ctx, uint32_t events)
{
	struct loop_signal *sig = ctx;
	struct signalfd_siginfo info;

	(void)events;
	if (read(sig->source.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		sig->callback(sig->ctx, (int)info.ssi_signo);
}

int loop_signal_init(struct loop *loop, struct loop_signal *sig, const sigset_t *set,
		     void (*callback)(void *ctx, int signo), void *ctx)
{
	int ret;

	*sig = (struct loop_signal){
		.source = { .callback = signal_readable, .ctx = sig },
		.callback = callback,
		.ctx = ctx,
	};
	ret = -pthread_sigmask(SIG_BLOCK, set, &sig->previous);
	if (ret < 0)
		return ret;
	sig->source.fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sig->source.fd < 0) {
		ret = -errno;
		goto fail;
	}
	ret = loop_fd_add(loop, &sig->source, EPOLLIN);
	if (ret < 0)
		goto fail_fd;
	return 0;

fail_fd:
	close(sig->source.fd);
fail:
	pthread_sigmask(SIG_SETMASK, &sig->previous, NULL);
	return ret;
}

void loop_signal_fini(struct loop *loop, struct loop_signal *sig)
{
	loop_fd_remove(loop, &sig->source);
	close(sig->source.fd);
	pthread_sigmask(SIG_SETMASK, &sig->previous, NULL);
}
