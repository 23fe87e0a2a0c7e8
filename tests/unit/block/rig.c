/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_file(struct rig *rig, off_t size)
{
	rig->fd = mkstemp(rig->path);
	cr_assert_geq(rig->fd, 0, "%s: %s", rig->path, strerror(errno));
	cr_assert_eq(ftruncate(rig->fd, size), 0);
	rig->config.path = rig->path;
}

void rig_init(struct rig *rig, off_t size)
{
	*rig = (struct rig){ .config = { .id = "disk0", .discard = true } };
	strcpy(rig->path, "/tmp/arcvisor-block-XXXXXX");
	make_file(rig, size);
}

void rig_use_direct(struct rig *rig)
{
	struct stat st;
	ssize_t n;
	int fd;

	cr_assert_eq(fstat(rig->fd, &st), 0);
	unlink(rig->path);
	close(rig->fd);
	n = readlink("/proc/self/exe", rig->path, sizeof(rig->path) - 16);
	cr_assert_gt(n, 0);
	strcpy(rig->path + n, "-XXXXXX");
	make_file(rig, st.st_size);
	fd = open(rig->path, O_RDWR | O_DIRECT);
	if (fd < 0) {
		unlink(rig->path);
		cr_skip_test("this folder's file system has no direct I/O");
	}
	close(fd);
	rig->config.direct = true;
}

static void done(void *ctx, struct blk_req *req)
{
	struct rig *rig = ctx;

	cr_assert_lt(rig->nr_done, 2 * RIG_DEPTH);
	rig->done[rig->nr_done++] = req;
	if (rig->on_done)
		rig->on_done(rig, req);
}

void rig_open_on(struct rig *rig, enum blk_engine engine, const struct blk_host *host)
{
	struct blk_queue_config config = {
		.engine = engine,
		.depth = RIG_DEPTH,
		.eventfd = -1,
		.disks = &rig->disk,
		.nr_disks = 1,
		.pinned = &rig->pinned,
		.done = done,
		.ctx = rig,
	};
	int ret;

	cr_assert_eq(disk_open(&rig->config, &rig->disk), 0);
	ret = blk_queue_create_on(host, &config, &rig->queue);
	if (ret == -ENOSYS || ret == -EPERM) {
		fprintf(stderr, "skipped: this host refuses io_uring\n");
		disk_close(rig->disk);
		unlink(rig->path);
		cr_skip_test("this host refuses io_uring");
	}
	cr_assert_eq(ret, 0, "%s", strerror(-ret));
	cr_assert_eq(blk_queue_attach(rig->queue), 0);
}

void rig_open(struct rig *rig, enum blk_engine engine)
{
	rig_open_on(rig, engine, &blk_host);
}

void rig_fini(struct rig *rig)
{
	if (rig->queue) {
		blk_queue_drain(rig->queue);
		blk_queue_destroy(rig->queue);
	}
	disk_close(rig->disk);
	unlink(rig->path);
	close(rig->fd);
}

void rig_fill(uint8_t *buf, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(seed * 151u + i * 7u + (i >> 9));
}

void rig_req(struct rig *rig, struct blk_req *req, enum blk_op op, uint64_t offset, uint64_t len,
	     struct iovec *iov, void *buf)
{
	*iov = (struct iovec){ .iov_base = buf, .iov_len = (size_t)len };
	*req = (struct blk_req){
		.disk = rig->disk,
		.op = op,
		.offset = offset,
		.len = len,
		.iov = iov,
		.nr_iov = buf ? 1 : 0,
		.status = 1,
	};
}

int rig_run(struct rig *rig, struct blk_req *req)
{
	unsigned int before = rig->nr_done;

	blk_submit(rig->queue, req);
	blk_kick(rig->queue);
	while (rig->nr_done == before)
		blk_wait(rig->queue, UINT64_MAX);
	cr_assert_eq(rig->nr_done, before + 1);
	cr_assert_eq(rig->done[before], req);
	rig->nr_done = before;
	return req->status;
}

int rig_do(struct rig *rig, enum blk_op op, uint64_t offset, uint64_t len, void *buf)
{
	struct blk_req req;
	struct iovec iov;

	rig_req(rig, &req, op, offset, len, &iov, buf);
	return rig_run(rig, &req);
}
