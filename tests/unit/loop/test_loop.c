/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: sources, events, timers, signals, and its end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/loop.h"

#define MS 1000000u

struct probe {
	struct loop *loop;
	struct loop_fd fd;
	struct loop_event event;
	struct loop_timer timer;
	struct probe *victim; /* removed by the callback */
	int pipe[2];
	int calls;
	int signo;
	uint32_t events;
};

static struct loop *loop;

static void setup(void)
{
	cr_assert_eq(loop_create(&loop), 0);
}

static void teardown(void)
{
	loop_destroy(loop);
}

TestSuite(loop, .init = setup, .fini = teardown, .timeout = 30);

static void count(void *ctx)
{
	struct probe *probe = ctx;

	probe->calls++;
}

static void count_and_stop(void *ctx)
{
	struct probe *probe = ctx;

	probe->calls++;
	loop_stop(probe->loop);
}

static void take_byte(void *ctx, uint32_t events)
{
	struct probe *probe = ctx;
	char byte;

	probe->calls++;
	probe->events = events;
	if (events & EPOLLIN)
		cr_assert_eq(read(probe->pipe[0], &byte, 1), 1);
	loop_stop(loop);
}

static void open_pipe(struct probe *probe, void (*callback)(void *ctx, uint32_t events))
{
	*probe = (struct probe){ .loop = loop };
	cr_assert_eq(pipe(probe->pipe), 0);
	probe->fd = (struct loop_fd){ probe->pipe[0], callback, probe };
	cr_assert_eq(loop_fd_add(loop, &probe->fd, EPOLLIN), 0);
}

static void close_pipe(struct probe *probe)
{
	close(probe->pipe[0]);
	close(probe->pipe[1]);
}

/* Runs whatever is ready, and returns. */
static void run_ready(void)
{
	struct probe end = { .loop = loop };

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(loop_event_init(loop, &end.event, count_and_stop, &end), 0);
		loop_event_raise(&end.event);
		cr_assert_eq(loop_run(loop), 0);
		loop_event_fini(loop, &end.event);
	}
	cr_assert_eq(end.calls, 3);
}

Test(loop, a_ready_descriptor_calls_back)
{
	struct probe probe;

	open_pipe(&probe, take_byte);
	cr_assert_eq(write(probe.pipe[1], "x", 1), 1);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 1);
	cr_expect_eq(probe.events, EPOLLIN);
	loop_fd_remove(loop, &probe.fd);
	close_pipe(&probe);
}

Test(loop, a_descriptor_can_be_watched_for_something_else)
{
	struct probe probe;

	open_pipe(&probe, take_byte);
	loop_fd_remove(loop, &probe.fd);
	probe.fd.fd = probe.pipe[1];
	cr_assert_eq(loop_fd_add(loop, &probe.fd, 0), 0);
	run_ready();
	cr_expect_eq(probe.calls, 0);
	cr_assert_eq(loop_fd_modify(loop, &probe.fd, EPOLLOUT), 0);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.events, EPOLLOUT);
	loop_fd_remove(loop, &probe.fd);
	close_pipe(&probe);
}

Test(loop, a_removed_descriptor_is_silent)
{
	struct probe probe;

	open_pipe(&probe, take_byte);
	cr_assert_eq(write(probe.pipe[1], "x", 1), 1);
	loop_fd_remove(loop, &probe.fd);
	run_ready();
	cr_expect_eq(probe.calls, 0);
	close_pipe(&probe);
}

Test(loop, a_descriptor_is_added_once)
{
	struct probe probe;
	struct loop_fd twin;

	open_pipe(&probe, take_byte);
	twin = probe.fd;
	cr_expect_eq(loop_fd_add(loop, &twin, EPOLLIN), -EEXIST);
	loop_fd_remove(loop, &probe.fd);
	cr_expect_eq(loop_fd_modify(loop, &probe.fd, EPOLLIN), -ENOENT);
	close_pipe(&probe);
}

static void remove_both(void *ctx, uint32_t events)
{
	struct probe *probe = ctx;

	(void)events;
	probe->calls++;
	loop_fd_remove(loop, &probe->fd);
	loop_fd_remove(loop, &probe->victim->fd);
}

/* Both are ready in one batch; whichever is called takes the other with it, and itself. */
Test(loop, a_source_removed_in_the_same_batch_is_never_called)
{
	struct probe a, b;

	open_pipe(&a, remove_both);
	open_pipe(&b, remove_both);
	a.victim = &b;
	b.victim = &a;
	cr_assert_eq(write(a.pipe[1], "x", 1), 1);
	cr_assert_eq(write(b.pipe[1], "x", 1), 1);
	run_ready();
	cr_expect_eq(a.calls + b.calls, 1);
	close_pipe(&a);
	close_pipe(&b);
}

Test(loop, raises_before_the_callback_are_one)
{
	struct probe probe = { .loop = loop };

	cr_assert_eq(loop_event_init(loop, &probe.event, count, &probe), 0);
	for (int i = 0; i < 5; i++)
		loop_event_raise(&probe.event);
	run_ready();
	cr_expect_eq(probe.calls, 1);
	loop_event_raise(&probe.event);
	run_ready();
	cr_expect_eq(probe.calls, 2);
	loop_event_fini(loop, &probe.event);
}

static void raise_again(void *ctx)
{
	struct probe *probe = ctx;

	if (++probe->calls == 1)
		loop_event_raise(&probe->event);
	else
		loop_stop(loop);
}

Test(loop, a_raise_inside_the_callback_calls_again)
{
	struct probe probe = { .loop = loop };

	cr_assert_eq(loop_event_init(loop, &probe.event, raise_again, &probe), 0);
	loop_event_raise(&probe.event);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 2);
	loop_event_fini(loop, &probe.event);
}

static void *raise_event(void *arg)
{
	loop_event_raise(arg);
	return NULL;
}

Test(loop, another_thread_raises_an_event)
{
	struct probe probe = { .loop = loop };
	pthread_t thread;

	cr_assert_eq(loop_event_init(loop, &probe.event, count_and_stop, &probe), 0);
	cr_assert_eq(pthread_create(&thread, NULL, raise_event, &probe.event), 0);
	cr_assert_eq(loop_run(loop), 0);
	pthread_join(thread, NULL);
	cr_expect_eq(probe.calls, 1);
	loop_event_fini(loop, &probe.event);
}

Test(loop, a_stop_before_the_run_ends_it_before_any_callback)
{
	struct probe probe = { .loop = loop };

	cr_assert_eq(loop_event_init(loop, &probe.event, count, &probe), 0);
	loop_event_raise(&probe.event);
	loop_stop(loop);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 0);
	run_ready();
	cr_expect_eq(probe.calls, 1, "the event is still there for the next run");
	loop_event_fini(loop, &probe.event);
}

/* Both are ready in one batch: the second stays for the next run. */
Test(loop, a_stop_ends_the_run_after_the_callback_under_way)
{
	struct probe a = { .loop = loop }, b = { .loop = loop };

	cr_assert_eq(loop_event_init(loop, &a.event, count_and_stop, &a), 0);
	cr_assert_eq(loop_event_init(loop, &b.event, count_and_stop, &b), 0);
	loop_event_raise(&a.event);
	loop_event_raise(&b.event);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(a.calls + b.calls, 1);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(a.calls + b.calls, 2);
	loop_event_fini(loop, &a.event);
	loop_event_fini(loop, &b.event);
}

static void *stop_loop(void *arg)
{
	loop_stop(arg);
	return NULL;
}

Test(loop, another_thread_stops_it)
{
	pthread_t thread;

	for (int i = 0; i < 100; i++) {
		cr_assert_eq(pthread_create(&thread, NULL, stop_loop, loop), 0);
		cr_assert_eq(loop_run(loop), 0);
		pthread_join(thread, NULL);
	}
}

Test(loop, a_timer_fires_once)
{
	struct probe once = { .loop = loop }, end = { .loop = loop };

	cr_assert_eq(loop_timer_init(loop, &once.timer, count, &once), 0);
	cr_assert_eq(loop_timer_init(loop, &end.timer, count_and_stop, &end), 0);
	loop_timer_set(&once.timer, 1);
	loop_timer_set(&end.timer, 20 * MS);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(once.calls, 1);
	loop_timer_fini(loop, &once.timer);
	loop_timer_fini(loop, &end.timer);
}

static void set_thrice(void *ctx)
{
	struct probe *probe = ctx;

	if (++probe->calls < 3)
		loop_timer_set(&probe->timer, 1);
	else
		loop_stop(loop);
}

Test(loop, a_timer_is_set_again_in_its_callback)
{
	struct probe probe = { .loop = loop };

	cr_assert_eq(loop_timer_init(loop, &probe.timer, set_thrice, &probe), 0);
	loop_timer_set(&probe.timer, 1);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 3);
	loop_timer_fini(loop, &probe.timer);
}

Test(loop, a_timer_set_anew_forgets_the_time_before)
{
	struct probe late = { .loop = loop }, end = { .loop = loop };

	cr_assert_eq(loop_timer_init(loop, &late.timer, count, &late), 0);
	cr_assert_eq(loop_timer_init(loop, &end.timer, count_and_stop, &end), 0);
	loop_timer_set(&late.timer, 1);
	loop_timer_set(&late.timer, 3600ull * 1000 * MS);
	loop_timer_set(&end.timer, 5 * MS);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(late.calls, 0);
	loop_timer_fini(loop, &late.timer);
	loop_timer_fini(loop, &end.timer);
}

Test(loop, zero_disarms_a_timer)
{
	struct probe off = { .loop = loop }, end = { .loop = loop };

	cr_assert_eq(loop_timer_init(loop, &off.timer, count, &off), 0);
	cr_assert_eq(loop_timer_init(loop, &end.timer, count_and_stop, &end), 0);
	loop_timer_set(&off.timer, 1);
	loop_timer_set(&off.timer, 0);
	loop_timer_set(&end.timer, 5 * MS);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(off.calls, 0);
	loop_timer_fini(loop, &off.timer);
	loop_timer_fini(loop, &end.timer);
}

static void took_signal(void *ctx, int signo)
{
	struct probe *probe = ctx;

	probe->calls++;
	probe->signo = signo;
	loop_stop(loop);
}

Test(loop, signals_are_callbacks)
{
	struct probe probe = { .loop = loop };
	struct loop_signal sig;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	cr_assert_eq(loop_signal_init(loop, &sig, &set, took_signal, &probe), 0);
	raise(SIGUSR2);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.signo, SIGUSR2);
	raise(SIGUSR1);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(probe.signo, SIGUSR1);
	cr_expect_eq(probe.calls, 2);
	loop_signal_fini(loop, &sig);
}

Test(loop, the_signal_mask_is_put_back)
{
	struct loop_signal sig;
	sigset_t set, mask;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaddset(&set, SIGUSR1);
	cr_assert_eq(loop_signal_init(loop, &sig, &set, took_signal, NULL), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	cr_expect(sigismember(&mask, SIGUSR1));
	loop_signal_fini(loop, &sig);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	cr_expect_not(sigismember(&mask, SIGUSR1));
	cr_expect(sigismember(&mask, SIGUSR2), "it was blocked before");
}

static void interrupted(int signo)
{
	(void)signo;
	loop_stop(loop);
}

/* A handler's EINTR is no error of the loop, and loop_stop() is safe in one. */
Test(loop, a_signal_handler_may_interrupt_and_stop_it)
{
	struct sigaction action = { .sa_handler = interrupted };

	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(1000, 0);
	cr_expect_eq(loop_run(loop), 0);
}

Test(loop, destroying_nothing_is_fine)
{
	loop_destroy(NULL);
}
