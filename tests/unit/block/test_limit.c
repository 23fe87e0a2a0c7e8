/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of disks, by a clock that the test turns: what queues do with them. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define S  1000000000ull
#define MS 1000000ull

static _Atomic uint64_t now;

static uint64_t fake_now(void)
{
	return atomic_load(&now);
}

static struct blk_host host;
static struct rig rig;
static struct blk_req reqs[RIG_DEPTH];
static struct iovec iov[RIG_DEPTH];
static uint8_t buf[65536];

static void open_limited(enum blk_engine engine, uint64_t iops, uint64_t burst)
{
	host = blk_host;
	host.now = fake_now;
	/* Far behind the host's clock: an alarm that the kernel is asked for is past at once. */
	atomic_store(&now, S);
	rig_init(&rig, RIG_SIZE);
	rig.config.ops = (struct disk_limit){ .rate = iops, .burst = burst };
	rig_open_on(&rig, engine, &host);
}

static void submit(unsigned int i, enum blk_op op)
{
	rig_req(&rig, &reqs[i], op, i * 512, op == BLK_FLUSH ? 0 : 512, &iov[i],
		op == BLK_FLUSH ? NULL : buf);
	blk_submit(rig.queue, &reqs[i]);
}

/* All that the rate lets go has ended. */
static void settle(unsigned int expected)
{
	blk_kick(rig.queue);
	while (rig.nr_done < expected)
		blk_wait(rig.queue, UINT64_MAX);
	blk_reap(rig.queue);
	cr_assert_eq(rig.nr_done, expected);
}

static void check_order_and_rate(enum blk_engine engine)
{
	open_limited(engine, 100, 4);
	for (unsigned int i = 0; i < 10; i++)
		submit(i, BLK_WRITE);
	cr_assert_eq(blk_in_flight(rig.queue), 10);
	settle(4);
	for (unsigned int i = 5; i <= 10; i++) {
		atomic_fetch_add(&now, 10 * MS);
		settle(i);
		cr_assert_eq(rig.done[i - 1], &reqs[i - 1], "out of order");
	}
	cr_assert_eq(blk_in_flight(rig.queue), 0);
	rig_fini(&rig);
}

Test(limit, held_back_in_order_sync)
{
	check_order_and_rate(BLK_ENGINE_SYNC);
}

Test(limit, held_back_in_order_uring)
{
	check_order_and_rate(BLK_ENGINE_URING);
}

static void check_drain(enum blk_engine engine)
{
	open_limited(engine, 1, 1);
	for (unsigned int i = 0; i < 10; i++)
		submit(i, i % 2 ? BLK_WRITE : BLK_FLUSH);
	blk_queue_drain(rig.queue);
	cr_assert_eq(rig.nr_done, 10);
	rig_fini(&rig);
}

Test(limit, drain_does_not_wait_for_the_rate_sync)
{
	check_drain(BLK_ENGINE_SYNC);
}

Test(limit, drain_does_not_wait_for_the_rate_uring)
{
	check_drain(BLK_ENGINE_URING);
}

/* On the host's own clock: whoever was told by the eventfd, and looks only then, gets it all. */
static void check_woken(enum blk_engine engine)
{
	struct pollfd poll_fd = { .events = POLLIN };
	uint64_t count;

	rig_init(&rig, RIG_SIZE);
	rig.config.ops = (struct disk_limit){ .rate = 500, .burst = 1 };
	rig_open(&rig, engine);
	poll_fd.fd = blk_queue_eventfd(rig.queue);
	for (unsigned int i = 0; i < 20; i++)
		submit(i, BLK_WRITE);
	blk_kick(rig.queue);
	while (rig.nr_done < 20) {
		cr_assert_eq(poll(&poll_fd, 1, 60000), 1);
		cr_assert_eq(read(poll_fd.fd, &count, sizeof(count)), (ssize_t)sizeof(count));
		blk_reap(rig.queue);
	}
	rig_fini(&rig);
}

Test(limit, the_owner_is_woken_sync)
{
	check_woken(BLK_ENGINE_SYNC);
}

Test(limit, the_owner_is_woken_uring)
{
	check_woken(BLK_ENGINE_URING);
}

Test(limit, bytes_count_what_is_moved)
{
	open_limited(BLK_ENGINE_SYNC, 0, 0);
	rig_fini(&rig);
	rig_init(&rig, RIG_SIZE);
	rig.config.bytes = (struct disk_limit){ .rate = 1024, .burst = 512 };
	rig_open_on(&rig, BLK_ENGINE_SYNC, &host);
	submit(0, BLK_WRITE);
	submit(1, BLK_WRITE);
	submit(2, BLK_FLUSH); /* behind it, though it moves nothing */
	settle(1);
	atomic_fetch_add(&now, 500 * MS);
	settle(3);
	submit(3, BLK_FLUSH);
	submit(4, BLK_FLUSH);
	settle(5);
	rig_fini(&rig);
}
