/* SPDX-License-Identifier: Apache-2.0 */
/* Each failure of the host, where io_uring reports it: its entry, and the completions. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* What the next entries and completions say in place of the kernel; PASS: what it said. */
#define PASS INT32_MIN

static struct {
	int enters[8], results[8];
	unsigned int next_enter, next_result;
	unsigned int seen; /* completions that were looked at */
	bool all_enters;   /* the first goes for all */
} script;

static struct rig rig;
static struct blk_host host;
static uint8_t buf[65536] __attribute__((aligned(4096)));
static uint8_t back[65536] __attribute__((aligned(4096)));

static int play(const int *list, unsigned int *next)
{
	return *next < 8 ? list[(*next)++] : PASS;
}

/* The queue of completions is shared with the kernel: what it wrote can be changed. */
static void change_results(struct io_uring *ring)
{
	for (; script.seen != *ring->cq.ktail; script.seen++) {
		struct io_uring_cqe *cqe = &ring->cq.cqes[script.seen & *ring->cq.kring_mask];
		int res = play(script.results, &script.next_result);

		if (res != PASS)
			cqe->res = res;
	}
}

static int64_t fault_enter(int fd, unsigned int submit, unsigned int wait, unsigned int flags,
			   const void *arg, uint64_t size)
{
	int said = script.all_enters ? script.enters[0] : play(script.enters, &script.next_enter);
	int64_t ret;

	if (said != PASS)
		return said;
	ret = blk_host.enter(fd, submit, wait, flags, arg, size);
	change_results(rig.queue->engine);
	return ret;
}

static void clear(void)
{
	for (unsigned int i = 0; i < 8; i++)
		script.enters[i] = script.results[i] = PASS;
	script.next_enter = script.next_result = 0;
	script.all_enters = false;
}

#define RESULTS(...)                                          \
	do {                                                  \
		const int list_[] = { __VA_ARGS__ };          \
		clear();                                      \
		memcpy(script.results, list_, sizeof(list_)); \
	} while (0)

#define ENTERS(...)                                          \
	do {                                                 \
		const int list_[] = { __VA_ARGS__ };         \
		clear();                                     \
		memcpy(script.enters, list_, sizeof(list_)); \
	} while (0)

static int64_t no_cached_read(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			      int flags)
{
	(void)fd;
	(void)iov;
	(void)nr;
	(void)offset;
	(void)flags;
	return -EAGAIN;
}

static void start(void)
{
	host = blk_host;
	host.enter = fault_enter;
	host.preadv2 = no_cached_read;
	clear();
	rig_init(&rig, RIG_SIZE);
	rig_open_on(&rig, BLK_ENGINE_URING, &host);
	rig_fill(buf, sizeof(buf), 8);
}

static void end(void)
{
	clear();
	rig_fini(&rig);
}

#define TEST(name)                      \
	static void uring_##name(void); \
	Test(uring_faults, name)        \
	{                               \
		start();                \
		uring_##name();         \
		end();                  \
	}                               \
	static void uring_##name(void)

TEST(errors_come_through_and_the_queue_goes_on)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EFBIG };

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		RESULTS(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), -errors[i]);
		RESULTS(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), -errors[i]);
		RESULTS(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), -errors[i]);
		RESULTS(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 4096, NULL), -errors[i]);
		RESULTS(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_DISCARD, 0, 4096, NULL), -errors[i]);
	}
	clear();
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), 0);
	cr_assert_arr_eq(back, buf, 4096);
}

TEST(interruptions_are_tried_again)
{
	RESULTS(-EINTR, -EAGAIN, -EINTR);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	cr_assert_eq(script.next_result, 4);
	RESULTS(-EAGAIN, -EAGAIN);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), 0);
	cr_assert_arr_eq(back, buf, 4096);
	RESULTS(-EINTR);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
}

TEST(short_transfers_go_on)
{
	struct iovec iov[3];
	struct blk_req req;

	RESULTS(1, 511, 3000, -EINTR, 88);
	rig_req(&rig, &req, BLK_WRITE, 512, 8192, &iov[0], buf);
	iov[0].iov_len = 600;
	iov[1] = (struct iovec){ buf + 600, 3000 };
	iov[2] = (struct iovec){ buf + 3600, 8192 - 3600 };
	req.nr_iov = 3;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(script.next_result, 6);
	RESULTS(4096, 1, 2, 3);
	cr_assert_eq(rig_do(&rig, BLK_READ, 512, 8192, back), 0);
	cr_assert_arr_eq(back, buf, 8192);
}

TEST(zeroes_find_another_way)
{
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, sizeof(buf), buf), 0);
	RESULTS(-EOPNOTSUPP, -EOPNOTSUPP, 512);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 4096, 8192, NULL), 0);
	memset(buf + 4096, 0, 8192);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	cr_assert_arr_eq(back, buf, sizeof(back));
}

/* As a kernel before 6.12, or one without the operation: here, that of a file. */
TEST(discard_finds_another_way)
{
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, sizeof(buf), buf), 0);
	atomic_store(&rig.disk->lacks, 0);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, 4096, 8192, NULL), 0);
	memset(buf + 4096, 0, 8192);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	cr_assert_arr_eq(back, buf, sizeof(back));
}

TEST(entries_that_are_short_of_memory_are_tried_again)
{
	ENTERS(-EAGAIN, -EBUSY, -EINTR, -EAGAIN);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	cr_assert_geq(script.next_enter, 5);
	ENTERS(PASS, -EINTR, -ETIME);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
}

static void check_broken(int error)
{
	struct blk_req reqs[RIG_DEPTH];
	struct iovec iov[RIG_DEPTH];

	ENTERS(error);
	script.all_enters = true;
	rig.nr_done = 0;
	for (unsigned int i = 0; i < RIG_DEPTH; i++) {
		rig_req(&rig, &reqs[i], BLK_WRITE, i * 512, 512, &iov[i], buf);
		blk_submit(rig.queue, &reqs[i]);
	}
	blk_kick(rig.queue);
	cr_assert_eq(rig.nr_done, RIG_DEPTH);
	for (unsigned int i = 0; i < RIG_DEPTH; i++)
		cr_assert_eq(rig.done[i]->status, -EIO);
	rig.nr_done = 0;
	clear();
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0, "it works again");
}

TEST(a_ring_that_takes_nothing_fails_requests)
{
	check_broken(-EAGAIN);
	check_broken(-EBADR);
	check_broken(0);
}
