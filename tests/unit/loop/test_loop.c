/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: sources, stops, events, signals. */
#include "loop/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;

static void setup(void)
{
	cr_assert_eq(loop_create(&loop), 0);
}

static void teardown(void)
{
	loop_destroy(loop);
}

TestSuite(loop, .init = setup, .fini = teardown);

/* A pipe that is watched, and what its callback saw and does. */
struct probe {
	struct loop_fd source;
	int writer;
	unsigned int calls;
	uint32_t events;
	bool stops; /* the loop, after the callback */
	struct probe *removes;
	struct probe *modifies; /* to be watched for nothing */
};

static void probe_called(void *ctx, uint32_t events)
{
	struct probe *probe = ctx;

	probe->calls++;
	probe->events = events;
	if (probe->removes)
		loop_fd_remove(loop, &probe->removes->source);
	if (probe->modifies)
		cr_expect_eq(loop_fd_modify(loop, &probe->modifies->source, 0), 0);
	if (probe->stops)
		loop_stop(loop);
}

static void probe_init(struct probe *probe, uint32_t events)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	*probe = (struct probe){
		.source = { .fd = fds[0], .callback = probe_called, .ctx = probe },
		.writer = fds[1],
	};
	cr_assert_eq(loop_fd_add(loop, &probe->source, events), 0);
}

static void probe_raise(const struct probe *probe)
{
	cr_assert_eq(write(probe->writer, "!", 1), 1);
}

struct rounds {
	struct loop_event event;
	unsigned int left;
};

static void next_round(void *ctx)
{
	struct rounds *rounds = ctx;

	if (--rounds->left)
		loop_event_raise(&rounds->event);
	else
		loop_stop(loop);
}

/* Each round of the loop gives what is ready, in turn: after two nothing is left. */
static void run_until_idle(void)
{
	struct rounds rounds = { .left = 3 };

	cr_assert_eq(loop_event_init(loop, &rounds.event, next_round, &rounds), 0);
	loop_event_raise(&rounds.event);
	cr_assert_eq(loop_run(loop), 0);
	loop_event_fini(loop, &rounds.event);
}

Test(loop, stop_before_run_ends_it_at_once)
{
	struct probe probe;

	probe_init(&probe, EPOLLIN);
	probe_raise(&probe);
	loop_stop(loop);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 0);
}

Test(loop, stop_is_used_up_by_one_run)
{
	struct probe probe;

	probe_init(&probe, EPOLLIN);
	probe.stops = true;
	loop_stop(loop);
	loop_stop(loop);
	cr_expect_eq(loop_run(loop), 0);
	probe_raise(&probe);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(probe.calls, 1);
}

static void *run(void *ctx)
{
	(void)ctx;
	return (void *)(intptr_t)loop_run(loop);
}

/* Often, so that it comes before the wait, while it begins, and in it. */
Test(loop, stop_from_another_thread_wakes_it)
{
	pthread_t thread;
	void *ret;

	for (unsigned int i = 0; i < 500; i++) {
		cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
		for (unsigned int j = 0; j < i; j++)
			sched_yield();
		loop_stop(loop);
		cr_assert_eq(pthread_join(thread, &ret), 0);
		cr_expect_null(ret);
	}
}

/* Whichever comes first ends the run; an edge that was not delivered is not lost. */
Test(loop, stop_ends_after_the_callback_under_way)
{
	struct probe a, b;

	probe_init(&a, EPOLLIN | EPOLLET);
	probe_init(&b, EPOLLIN | EPOLLET);
	a.stops = b.stops = true;
	probe_raise(&a);
	probe_raise(&b);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(a.calls + b.calls, 1);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(a.calls, 1);
	cr_expect_eq(b.calls, 1);
}

Test(loop, a_source_gets_what_came_true)
{
	struct probe probe;

	probe_init(&probe, EPOLLIN);
	probe.stops = true;
	probe_raise(&probe);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(probe.events, EPOLLIN);
	close(probe.writer);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(probe.events, EPOLLIN | EPOLLHUP);
}

/* Both are ready in the same batch, and the one that is called takes the other away. */
Test(loop, a_removed_source_is_not_called)
{
	struct probe a, b;

	probe_init(&a, EPOLLIN | EPOLLET);
	probe_init(&b, EPOLLIN | EPOLLET);
	a.removes = &b;
	b.removes = &a;
	probe_raise(&a);
	probe_raise(&b);
	run_until_idle();
	cr_expect_eq(a.calls + b.calls, 1);
}

Test(loop, a_modified_source_is_not_called_with_its_old_events)
{
	struct probe a, b;

	probe_init(&a, EPOLLIN | EPOLLET);
	probe_init(&b, EPOLLIN | EPOLLET);
	a.modifies = &b;
	b.modifies = &a;
	probe_raise(&a);
	probe_raise(&b);
	run_until_idle();
	cr_expect_eq(a.calls + b.calls, 1);
}

Test(loop, a_source_may_be_removed_between_runs)
{
	struct probe a, b;

	probe_init(&a, EPOLLIN | EPOLLET);
	probe_init(&b, EPOLLIN | EPOLLET);
	a.stops = b.stops = true;
	probe_raise(&a);
	probe_raise(&b);
	cr_expect_eq(loop_run(loop), 0);
	loop_fd_remove(loop, &a.source);
	loop_fd_remove(loop, &b.source);
	run_until_idle();
	cr_expect_eq(a.calls + b.calls, 1);
}

struct mortal {
	struct loop_fd source;
	unsigned int *calls;
};

static void die(void *ctx, uint32_t events)
{
	struct mortal *mortal = ctx;

	(void)events;
	++*mortal->calls;
	loop_fd_remove(loop, &mortal->source);
	free(mortal);
}

Test(loop, a_source_may_remove_and_free_itself)
{
	struct mortal *mortal = malloc(sizeof(*mortal));
	unsigned int calls = 0;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	*mortal = (struct mortal){
		.source = { .fd = fds[0], .callback = die, .ctx = mortal },
		.calls = &calls,
	};
	cr_assert_eq(loop_fd_add(loop, &mortal->source, EPOLLIN), 0);
	cr_assert_eq(write(fds[1], "!", 1), 1);
	run_until_idle();
	cr_expect_eq(calls, 1);
}

Test(loop, a_file_that_is_always_ready_is_refused)
{
	struct loop_fd source = { .fd = open("/dev/null", O_RDONLY) };

	cr_assert_geq(source.fd, 0);
	cr_expect_eq(loop_fd_add(loop, &source, EPOLLIN), -EPERM);
	close(source.fd);
}

static void count(void *ctx)
{
	++*(unsigned int *)ctx;
}

Test(loop, raises_that_meet_are_one_call)
{
	struct loop_event event;
	unsigned int calls = 0;

	cr_assert_eq(loop_event_init(loop, &event, count, &calls), 0);
	loop_event_raise(&event);
	loop_event_raise(&event);
	run_until_idle();
	cr_expect_eq(calls, 1);
	loop_event_raise(&event);
	run_until_idle();
	cr_expect_eq(calls, 2);
	loop_event_fini(loop, &event);
}

Test(loop, an_event_that_is_over_is_not_called)
{
	struct loop_event event;
	unsigned int calls = 0;

	cr_assert_eq(loop_event_init(loop, &event, count, &calls), 0);
	loop_event_raise(&event);
	loop_event_fini(loop, &event);
	run_until_idle();
	cr_expect_eq(calls, 0);
}

Test(loop, raising_keeps_errno)
{
	struct loop_event event;
	unsigned int calls = 0;

	cr_assert_eq(loop_event_init(loop, &event, count, &calls), 0);
	cr_assert_eq(write(event.source.fd, &(uint64_t){ UINT64_MAX - 1 }, 8), 8);
	errno = ENOTTY;
	loop_event_raise(&event);
	cr_expect_eq(errno, ENOTTY);
	loop_event_fini(loop, &event);
}

#define RAISERS 4
#define RAISES	1000

struct raiser {
	struct loop_event *event;
	atomic_uint *raised;
};

static void *raise_often(void *ctx)
{
	struct raiser *raiser = ctx;

	for (unsigned int i = 0; i < RAISES; i++) {
		atomic_fetch_add(raiser->raised, 1);
		loop_event_raise(raiser->event);
	}
	return NULL;
}

static void stop_at_all(void *ctx)
{
	if (atomic_load((atomic_uint *)ctx) == RAISERS * RAISES)
		loop_stop(loop);
}

/* The last raise of all is followed by a call, or the loop would not end. */
Test(loop, no_raise_is_lost_among_threads)
{
	pthread_t threads[RAISERS];
	struct loop_event event;
	atomic_uint raised = 0;
	struct raiser raiser = { &event, &raised };

	cr_assert_eq(loop_event_init(loop, &event, stop_at_all, &raised), 0);
	for (unsigned int i = 0; i < RAISERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, raise_often, &raiser), 0);
	cr_expect_eq(loop_run(loop), 0);
	for (unsigned int i = 0; i < RAISERS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(atomic_load(&raised), RAISERS * RAISES);
	loop_event_fini(loop, &event);
}

static void expired(void *ctx)
{
	++*(unsigned int *)ctx;
	loop_stop(loop);
}

Test(loop, a_timer_calls_once_each_time_it_is_set)
{
	struct loop_timer timer;
	unsigned int calls = 0;

	cr_assert_eq(loop_timer_init(loop, &timer, expired, &calls), 0);
	loop_timer_set(&timer, 1);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(calls, 1);
	run_until_idle();
	cr_expect_eq(calls, 1);
	loop_timer_set(&timer, 1000000);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(calls, 2);
	loop_timer_fini(loop, &timer);
}

/* The first would come soon, the second in an hour; a third tells when the first is due. */
Test(loop, a_timer_that_is_set_anew_or_disarmed_forgets_what_it_was_set_to)
{
	struct loop_timer anew, disarmed, due;
	unsigned int calls = 0, dues = 0;

	cr_assert_eq(loop_timer_init(loop, &anew, expired, &calls), 0);
	cr_assert_eq(loop_timer_init(loop, &disarmed, expired, &calls), 0);
	cr_assert_eq(loop_timer_init(loop, &due, expired, &dues), 0);
	loop_timer_set(&anew, 1);
	loop_timer_set(&disarmed, 1);
	loop_timer_set(&due, 1000000);
	loop_timer_set(&anew, 3600000000000);
	loop_timer_set(&disarmed, 0);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(dues, 1);
	cr_expect_eq(calls, 0);
	loop_timer_fini(loop, &due);
	loop_timer_fini(loop, &disarmed);
	loop_timer_fini(loop, &anew);
}

static void got_signal(void *ctx, int signo)
{
	*(int *)ctx = signo;
	loop_stop(loop);
}

static bool is_blocked(int signo)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	return sigismember(&mask, signo);
}

Test(loop, a_signal_is_a_callback)
{
	struct loop_signal sig;
	sigset_t set;
	int signo = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	cr_assert_eq(loop_signal_init(loop, &sig, &set, got_signal, &signo), 0);
	kill(getpid(), SIGTERM);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(signo, SIGTERM);
	kill(getpid(), SIGUSR1);
	cr_expect_eq(loop_run(loop), 0);
	cr_expect_eq(signo, SIGUSR1);
	loop_signal_fini(loop, &sig);
}

Test(loop, the_signal_mask_is_put_back)
{
	struct loop_signal sig;
	sigset_t set;
	int signo = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	cr_assert_not(is_blocked(SIGUSR2));
	cr_assert_eq(loop_signal_init(loop, &sig, &set, got_signal, &signo), 0);
	cr_expect(is_blocked(SIGUSR2));
	loop_signal_fini(loop, &sig);
	cr_expect_not(is_blocked(SIGUSR2));
}

Test(loop, destroying_none_is_fine)
{
	loop_destroy(NULL);
}
