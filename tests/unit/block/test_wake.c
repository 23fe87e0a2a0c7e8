/* SPDX-License-Identifier: Apache-2.0 */
/* The other ways to own a queue: an owner that is interrupted, and owners who take turns. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static struct blk_queue *queue;
static sem_t woken;
static unsigned int nr_done;
static uint8_t buf[4096], back[4096];

static void done(void *ctx, struct blk_req *req)
{
	(void)ctx;
	cr_assert_eq(req->status, 0);
	nr_done++;
}

static void wake_owner(void *ctx)
{
	(void)ctx;
	sem_post(&woken);
}

static void open_queue(enum blk_engine engine, enum blk_wake wake, uint32_t flags)
{
	struct blk_queue_config config = {
		.engine = engine,
		.wake = wake,
		.flags = flags,
		.depth = 8,
		.eventfd = -1,
		.nr_disks = 1,
		.disks = &rig.disk,
		.done = done,
		.wake_owner = wake_owner,
	};
	int ret;

	sem_init(&woken, 0, 0);
	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	ret = blk_queue_create(&config, &queue);
	if (ret == -ENOSYS || ret == -EPERM) {
		rig_fini(&rig);
		cr_skip_test("this host refuses io_uring");
	}
	cr_assert_eq(ret, 0);
	cr_assert_eq(blk_queue_attach(queue), 0);
}

static void close_queue(void)
{
	blk_queue_drain(queue);
	blk_queue_destroy(queue);
	rig_fini(&rig);
}

static void start(struct blk_req *req, struct iovec *iov, enum blk_op op, unsigned int block)
{
	rig_req(&rig, req, op, block * 4096, 4096, iov, op == BLK_READ ? back : buf);
	blk_submit(queue, req);
	blk_kick(queue);
}

/* Nobody looks but when woken. */
Test(wake, by_a_call_from_a_worker)
{
	struct blk_req req;
	struct iovec iov;

	open_queue(BLK_ENGINE_SYNC, BLK_WAKE_SIGNAL, 0);
	cr_assert_eq(blk_queue_eventfd(queue), -1);
	for (unsigned int i = 1; i <= 50; i++) {
		start(&req, &iov, BLK_WRITE, 0);
		while (nr_done < i) {
			while (sem_wait(&woken) < 0)
				cr_assert_eq(errno, EINTR);
			blk_reap(queue);
		}
	}
	blk_wakes(queue, false);
	while (sem_trywait(&woken) == 0)
		continue;
	start(&req, &iov, BLK_WRITE, 0);
	while (nr_done < 51)
		blk_wait(queue, UINT64_MAX);
	cr_assert_eq(sem_trywait(&woken), -1);
	close_queue();
}

/* What KVM_RUN makes of a completion is seen on real KVM; here, that it is there without an entry.
 */
Test(wake, by_the_kernel)
{
	struct blk_req req;
	struct iovec iov;

	open_queue(BLK_ENGINE_URING, BLK_WAKE_SIGNAL, 0);
	cr_assert_eq(blk_queue_eventfd(queue), -1);
	rig_fill(buf, sizeof(buf), 3);
	start(&req, &iov, BLK_WRITE, 3);
	while (nr_done < 1)
		blk_wait(queue, UINT64_MAX);
	start(&req, &iov, BLK_READ, 3);
	while (nr_done < 2)
		blk_wait(queue, UINT64_MAX);
	cr_assert_eq(memcmp(buf, back, sizeof(buf)), 0);
	blk_wakes(queue, true);
	blk_wakes(queue, false);
	close_queue();
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *take_turns(void *arg)
{
	for (unsigned int i = 0; i < 100; i++) {
		struct blk_req req;
		struct iovec iov;

		pthread_mutex_lock(&turn);
		start(&req, &iov, i % 2 ? BLK_WRITE : BLK_FLUSH, (unsigned int)(uintptr_t)arg);
		while (blk_in_flight(queue))
			blk_wait(queue, 1000000);
		pthread_mutex_unlock(&turn);
	}
	return NULL;
}

static void check_shared(enum blk_engine engine)
{
	pthread_t threads[3];

	open_queue(engine, BLK_WAKE_EVENTFD, BLK_QUEUE_SHARED);
	for (uintptr_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, take_turns, (void *)i), 0);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(nr_done, 300);
	close_queue();
}

Test(wake, threads_take_turns_sync)
{
	check_shared(BLK_ENGINE_SYNC);
}

Test(wake, threads_take_turns_uring)
{
	check_shared(BLK_ENGINE_URING);
}
