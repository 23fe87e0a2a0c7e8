/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watchdog: vCPUs' threads that refresh and set it up, the loop's thread whose timer comes, and
 * pauses. One that is refreshed all the time never ends the guest, and one that is not does so
 * once.
 */
#include <sched.h>

#include "base/util.h"
#include "check.h"
#include "device/watchdog.h"

#define ROUNDS 3000u

static struct loop *loop;
static struct irq_line line;
static struct watchdog *watchdog;
static _Atomic bool done;
static _Atomic unsigned int nr_expired;

static int irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static void expired(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&nr_expired, 1);
}

static void *run_loop(void *arg)
{
	(void)arg;
	NEED(loop_run(loop) == 0);
	return NULL;
}

static void make(void)
{
	static const struct backend_ops ops = { .irq_set = irq_set };
	struct watchdog_config config = {
		.line = &line,
		.hz = 1000000000,
		.expired = expired,
	};

	atomic_store(&done, false);
	atomic_store(&nr_expired, 0);
	NEED(loop_create(&loop) == 0);
	config.loop = loop;
	irq_line_init(&line, &ops, NULL, 40, IRQ_LEVEL_HIGH);
	NEED(watchdog_create(&config, &watchdog) == 0);
	watchdog_start(watchdog, 0);
}

static void destroy(void)
{
	watchdog_destroy(watchdog);
	loop_destroy(loop);
}

static void set_offset(uint64_t ns)
{
	watchdog_control_ops.write(watchdog, 0x8, 8, ns);
}

static void enable(void)
{
	watchdog_control_ops.write(watchdog, 0x0, 4, 1);
}

static void *refresher(void *arg)
{
	struct watchdog_stats stats;

	(void)arg;
	while (!atomic_load(&done)) {
		watchdog_refresh_ops.write(watchdog, 0, 4, 0);
		(void)watchdog_control_ops.read(watchdog, 0x10, 8);
		watchdog_get_stats(watchdog, &stats);
	}
	return NULL;
}

static void one_that_is_refreshed_goes_on(void)
{
	pthread_t threads[3];

	make();
	/* An hour: a timer is set and put off at each refresh, and none comes. */
	set_offset(3600000000000ull);
	enable();
	threads[0] = check_spawn(run_loop, NULL);
	threads[1] = check_spawn(refresher, NULL);
	threads[2] = check_spawn(refresher, NULL);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		watchdog_pause(watchdog);
		watchdog_resume(watchdog);
	}
	atomic_store(&done, true);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	loop_stop(loop);
	pthread_join(threads[0], NULL);
	CHECK(atomic_load(&nr_expired) == 0);
	destroy();
}

/* Each time it is set up anew it ends once, however many pauses there are meanwhile. */
static void one_that_is_not_ends_once(void)
{
	pthread_t thread;

	make();
	thread = check_spawn(run_loop, NULL);
	set_offset(20000);
	for (unsigned int i = 1; i <= 200; i++) {
		enable();
		while (atomic_load(&nr_expired) < i) {
			watchdog_pause(watchdog);
			watchdog_resume(watchdog);
			sched_yield();
		}
	}
	loop_stop(loop);
	pthread_join(thread, NULL);
	CHECK(atomic_load(&nr_expired) == 200);
	destroy();
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("one that is refreshed goes on", one_that_is_refreshed_goes_on);
	passed += check_run("one that is not ends once", one_that_is_not_ends_once);
	return check_end(passed, 2 - passed);
}
