/* SPDX-License-Identifier: Apache-2.0 */
/* Each failure of the host, at the system calls of the thread pool. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* What the next calls say in place of what they do; PASS: nothing. */
#define PASS INT64_MIN

static struct {
	int64_t results[8];
	_Atomic unsigned int next;
	_Atomic unsigned int syncs;
	_Atomic int flags; /* of the last write */
} script;

static int64_t play(void)
{
	unsigned int i = atomic_fetch_add(&script.next, 1);

	return i < 8 ? script.results[i] : PASS;
}

#define SCRIPT(...)                                               \
	do {                                                      \
		const int64_t results[] = { __VA_ARGS__ };        \
		for (unsigned int i_ = 0; i_ < 8; i_++)           \
			script.results[i_] = PASS;                \
		memcpy(script.results, results, sizeof(results)); \
		atomic_store(&script.next, 0);                    \
	} while (0)

/* A short count moves that many bytes. */
static void shorten(const struct iovec *iov, unsigned int nr, int64_t most, struct iovec *out)
{
	for (unsigned int i = 0; i < nr; i++) {
		out[i] = iov[i];
		if ((int64_t)out[i].iov_len > most)
			out[i].iov_len = (size_t)most;
		most -= (int64_t)out[i].iov_len;
	}
}

static int64_t fault_preadv2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			     int flags)
{
	int64_t res = flags & RWF_NOWAIT ? -EAGAIN : play();
	struct iovec cut[8];

	if (flags & RWF_NOWAIT)
		return res;
	if (res == PASS)
		return blk_host.preadv2(fd, iov, nr, offset, flags);
	if (res <= 0)
		return res;
	shorten(iov, nr, res, cut);
	return blk_host.preadv2(fd, cut, nr, offset, flags);
}

static int64_t fault_pwritev2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			      int flags)
{
	struct iovec cut[8];
	int64_t res = play();

	atomic_store(&script.flags, flags);
	if (res == PASS)
		return blk_host.pwritev2(fd, iov, nr, offset, flags);
	if (res <= 0)
		return res;
	shorten(iov, nr, res, cut);
	return blk_host.pwritev2(fd, cut, nr, offset, flags);
}

static int64_t fault_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	int64_t res = play();

	return res == PASS ? blk_host.fallocate(fd, mode, offset, len) : res;
}

static int64_t fault_fdatasync(int fd)
{
	int64_t res = play();

	atomic_fetch_add(&script.syncs, 1);
	return res == PASS ? blk_host.fdatasync(fd) : res;
}

static struct blk_host faulty(void)
{
	struct blk_host host = blk_host;

	host.preadv2 = fault_preadv2;
	host.pwritev2 = fault_pwritev2;
	host.fallocate = fault_fallocate;
	host.fdatasync = fault_fdatasync;
	return host;
}

static struct blk_host host;
static struct rig rig;
static uint8_t buf[65536], back[65536];

static void start(void)
{
	host = faulty();
	SCRIPT(PASS);
	rig_init(&rig, RIG_SIZE);
	rig_open_on(&rig, BLK_ENGINE_SYNC, &host);
	rig_fill(buf, sizeof(buf), 5);
}

static void end(void)
{
	rig_fini(&rig);
}

TestSuite(faults, .init = start, .fini = end);

Test(faults, errors_come_through_and_the_queue_goes_on)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EFBIG };

	for (unsigned int i = 0; i < 4; i++) {
		SCRIPT(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), -errors[i]);
		SCRIPT(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), -errors[i]);
		SCRIPT(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), -errors[i]);
		SCRIPT(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 4096, NULL), -errors[i]);
		SCRIPT(-errors[i]);
		cr_assert_eq(rig_do(&rig, BLK_DISCARD, 0, 4096, NULL), -errors[i]);
	}
	SCRIPT(PASS);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), 0);
	cr_assert_arr_eq(back, buf, 4096);
}

Test(faults, interruptions_are_tried_again)
{
	SCRIPT(-EINTR, -EAGAIN, -EINTR);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	cr_assert_eq(atomic_load(&script.next), 4);
	SCRIPT(-EAGAIN, -EINTR);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), 0);
	cr_assert_arr_eq(back, buf, 4096);
	SCRIPT(-ECANCELED, -EINTR);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	SCRIPT(-EINTR);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 4096, NULL), 0);
}

Test(faults, short_transfers_go_on)
{
	struct iovec iov[3];
	struct blk_req req;

	SCRIPT(1, 511, 3000, -EINTR, 88);
	rig_req(&rig, &req, BLK_WRITE, 512, 8192, &iov[0], buf);
	iov[0].iov_len = 600;
	iov[1] = (struct iovec){ buf + 600, 3000 };
	iov[2] = (struct iovec){ buf + 3600, 8192 - 3600 };
	req.nr_iov = 3;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(atomic_load(&script.next), 6);
	SCRIPT(4096, 1, 2, 3);
	cr_assert_eq(rig_do(&rig, BLK_READ, 512, 8192, back), 0);
	cr_assert_arr_eq(back, buf, 8192);
}

Test(faults, error_after_a_short_transfer)
{
	SCRIPT(512, -ENOSPC);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), -ENOSPC);
	SCRIPT(512, -EIO);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), -EIO);
}

Test(faults, a_write_of_nothing_is_an_error)
{
	SCRIPT(0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), -EIO);
}

Test(faults, zeroes_find_another_way)
{
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, sizeof(buf), buf), 0);
	SCRIPT(-EOPNOTSUPP, -EOPNOTSUPP);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 4096, 8192, NULL), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 16384, back), 0);
	memset(buf + 4096, 0, 8192);
	cr_assert_arr_eq(back, buf, 16384);
	/* It is known now: one write, nothing else. */
	SCRIPT(PASS);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 4096, 8192, NULL), 0);
	cr_assert_eq(atomic_load(&script.next), 1);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, 4096, 8192, NULL), 0);
}

Test(faults, zeroes_written_in_pieces)
{
	disk_learn_lack(rig.disk, DISK_NO_PUNCH | DISK_NO_ZERO);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 8192, buf), 0);
	SCRIPT(1000, 512, -EINTR);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 4096, NULL), 0);
	memset(buf, 0, 4096);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 8192, back), 0);
	cr_assert_arr_eq(back, buf, 8192);
	SCRIPT(512, -ENOSPC);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 4096, NULL), -ENOSPC);
}

Test(faults, discard_that_the_file_has_not)
{
	SCRIPT(-EOPNOTSUPP);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, 0, 4096, NULL), -EOPNOTSUPP);
}

Test(faults, durable_writes_say_so)
{
	struct blk_req req;
	struct iovec iov;

	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 512, buf), 0);
	cr_assert_eq(atomic_load(&script.flags), 0);
	rig_req(&rig, &req, BLK_WRITE, 0, 512, &iov, buf);
	req.flags = BLK_FUA;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(atomic_load(&script.flags), RWF_DSYNC);
	disk_set_write_back(rig.disk, false);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 512, buf), 0);
	cr_assert_eq(atomic_load(&script.flags), RWF_DSYNC);
	cr_assert_eq(atomic_load(&script.syncs), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 512, NULL), 0);
	cr_assert_eq(atomic_load(&script.syncs), 1);
}

Test(faults, what_is_durable_by_itself_is_not_made_so)
{
	struct blk_req req;
	struct iovec iov;

	rig.disk->limits.durable = true;
	cr_assert_not(disk_write_back(rig.disk));
	rig_req(&rig, &req, BLK_WRITE, 0, 512, &iov, buf);
	req.flags = BLK_FUA;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(atomic_load(&script.flags), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 512, NULL), 0);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	cr_assert_eq(atomic_load(&script.syncs), 0);
}

Test(faults, zeroes_that_cannot_be_made_durable)
{
	struct blk_req req;
	struct iovec iov;

	rig_req(&rig, &req, BLK_WRITE_ZEROES, 0, 512, &iov, NULL);
	req.flags = BLK_FUA;
	SCRIPT(0, -EIO);
	cr_assert_eq(rig_run(&rig, &req), -EIO);
}
