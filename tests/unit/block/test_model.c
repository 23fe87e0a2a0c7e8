/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests in batches on one disk, and the same one by one through plain system calls on
 * another file: both must hold the same bytes, and each read give them.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define REGION	(64u << 10) /* requests of a batch keep to one each: order is nobody's promise */
#define REGIONS (RIG_SIZE / REGION)
#define SEGS	6u
#define BATCHES 300u

struct move {
	struct blk_req req;
	struct iovec iov[SEGS];
	uint8_t data[REGION + 64], expected[REGION];
};

static struct move moves[REGIONS];
static uint8_t ours[RIG_SIZE], theirs[RIG_SIZE];
static uint64_t state;
static int oracle;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

/* Without the last piece, where something is left then: a short transfer. */
static unsigned int fewer(const struct iovec *iov, unsigned int nr)
{
	return nr > 1 && iov[0].iov_len ? nr - 1 : nr;
}

static int64_t moody_pwritev2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			      int flags)
{
	return blk_host.pwritev2(fd, iov, fewer(iov, nr), offset, flags);
}

static int64_t moody_preadv2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			     int flags)
{
	return blk_host.preadv2(fd, iov, fewer(iov, nr), offset, flags);
}

/* @len bytes of the move's data in random pieces, at a random alignment. */
static void scatter(struct move *move, uint32_t len)
{
	uint8_t *at = move->data + any(64);
	unsigned int nr = 1 + any(SEGS);

	move->req.nr_iov = nr;
	for (unsigned int i = 0; i < nr; i++) {
		uint32_t piece = i + 1 == nr ? len : any(len + 1);

		move->iov[i] = (struct iovec){ at, piece };
		at += piece;
		len -= piece;
	}
}

static void play_write(struct move *move)
{
	uint64_t at = move->req.offset;

	for (unsigned int i = 0; i < move->req.nr_iov; i++) {
		uint8_t *base = move->iov[i].iov_base;

		for (size_t n = 0; n < move->iov[i].iov_len; n++)
			base[n] = (uint8_t)any(256);
		cr_assert_eq(pwrite(oracle, base, move->iov[i].iov_len, (off_t)at),
			     (ssize_t)move->iov[i].iov_len);
		at += move->iov[i].iov_len;
	}
}

static void play_zeroes(const struct blk_req *req)
{
	static const uint8_t zero[REGION];

	cr_assert_eq(pwrite(oracle, zero, req->len, (off_t)req->offset), (ssize_t)req->len);
}

static void make(struct rig *rig, struct move *move, unsigned int region)
{
	static const enum blk_op ops[] = { BLK_READ,  BLK_READ,	   BLK_READ,  BLK_WRITE,
					   BLK_WRITE, BLK_DISCARD, BLK_FLUSH, BLK_WRITE_ZEROES };
	uint32_t block = disk_limits(rig->disk)->logical_block;
	uint32_t first = any(REGION / block), blocks = 1 + any(REGION / block - first);
	enum blk_op op = ops[any(8)];

	if (op == BLK_DISCARD && !disk_limits(rig->disk)->discard)
		op = BLK_WRITE_ZEROES;
	rig_req(rig, &move->req, op, region * REGION + first * block, blocks * block, move->iov,
		NULL);
	if (op == BLK_WRITE || op == BLK_WRITE_ZEROES)
		move->req.flags = any(4) == 0 ? BLK_FUA : 0;
	if (op == BLK_READ || op == BLK_WRITE)
		scatter(move, blocks * block);
	if (op == BLK_WRITE)
		play_write(move);
	else if (op == BLK_WRITE_ZEROES || op == BLK_DISCARD)
		play_zeroes(&move->req);
	else if (op == BLK_READ)
		cr_assert_eq(pread(oracle, move->expected, move->req.len, (off_t)move->req.offset),
			     (ssize_t)move->req.len);
}

/* The list's entries change while it is worked on: the data lies in one piece from its start. */
static void check(const struct move *move, const uint8_t *start)
{
	cr_assert_eq(move->req.status, 0, "op %d: %d", move->req.op, move->req.status);
	if (move->req.op == BLK_READ)
		cr_assert_arr_eq(start, move->expected, move->req.len);
}

static void play_batch(struct rig *rig)
{
	unsigned int first = any(REGIONS), nr = 1 + any(REGIONS);
	const uint8_t *starts[REGIONS];

	rig->nr_done = 0;
	for (unsigned int i = 0; i < nr; i++) {
		make(rig, &moves[i], (first + i) % REGIONS);
		starts[i] = moves[i].iov[0].iov_base;
		blk_submit(rig->queue, &moves[i].req);
		if (any(4) == 0)
			blk_kick(rig->queue);
	}
	blk_kick(rig->queue);
	while (blk_in_flight(rig->queue))
		blk_wait(rig->queue, any(2) ? UINT64_MAX : 1000);
	cr_assert_eq(rig->nr_done, nr);
	for (unsigned int i = 0; i < nr; i++)
		check(&moves[i], starts[i]);
}

static void compare(const struct rig *rig)
{
	cr_assert_eq(pread(rig->fd, ours, RIG_SIZE, 0), RIG_SIZE);
	cr_assert_eq(pread(oracle, theirs, RIG_SIZE, 0), RIG_SIZE);
	for (unsigned int i = 0; i < RIG_SIZE; i++)
		cr_assert_eq(ours[i], theirs[i], "byte %u", i);
}

/* @pinned: half of the requests' memory is, so that both ways meet in a batch. */
static void play(enum blk_engine engine, bool direct, bool pinned, uint64_t seed)
{
	char path[] = "/tmp/arcvisor-oracle-XXXXXX";
	struct blk_host moody = blk_host;
	struct rig rig;

	moody.preadv2 = moody_preadv2;
	moody.pwritev2 = moody_pwritev2;
	state = seed;
	rig_init(&rig, RIG_SIZE);
	if (direct)
		rig_use_direct(&rig);
	if (pinned)
		rig.pinned = (struct blk_pinned){ { { moves, sizeof(moves) / 2 } }, 1 };
	rig_open_on(&rig, engine, engine == BLK_ENGINE_SYNC ? &moody : &blk_host);
	oracle = mkstemp(path);
	cr_assert_geq(oracle, 0);
	unlink(path);
	cr_assert_eq(ftruncate(oracle, RIG_SIZE), 0);
	for (unsigned int i = 0; i < BATCHES; i++)
		play_batch(&rig);
	compare(&rig);
	close(oracle);
	rig_fini(&rig);
}

Test(model, sync_cached)
{
	play(BLK_ENGINE_SYNC, false, false, 1);
}

Test(model, sync_direct)
{
	play(BLK_ENGINE_SYNC, true, false, 2);
}

Test(model, uring_cached)
{
	play(BLK_ENGINE_URING, false, false, 3);
}

Test(model, uring_direct)
{
	play(BLK_ENGINE_URING, true, false, 4);
}

Test(model, uring_cached_pinned)
{
	play(BLK_ENGINE_URING, false, true, 5);
}

Test(model, uring_direct_pinned)
{
	play(BLK_ENGINE_URING, true, true, 6);
}
