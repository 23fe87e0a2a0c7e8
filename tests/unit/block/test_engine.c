/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of the engine, where a container's filter refuses io_uring. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../refuse_uring.h"
#include "rig.h"

static struct rig rig;

static void ignore(void *ctx, struct blk_req *req)
{
	(void)ctx;
	(void)req;
}

static int create(enum blk_engine engine, struct blk_queue **queue)
{
	const struct blk_queue_config config = {
		.engine = engine,
		.depth = 4,
		.eventfd = -1,
		.disks = &rig.disk,
		.nr_disks = 1,
		.done = ignore,
	};

	return blk_queue_create(&config, queue);
}

Test(engine, threads_serve_where_io_uring_is_refused)
{
	int memory = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	struct blk_queue *queue;
	char log[1024] = "";

	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	if (refuse_uring() < 0)
		cr_skip_test("this host has no seccomp filters");
	cr_assert_eq(create(BLK_ENGINE_URING, &queue), -EPERM);
	cr_assert_eq(dup2(memory, STDERR_FILENO), STDERR_FILENO);
	for (unsigned int i = 0; i < 2; i++) {
		cr_assert_eq(create(BLK_ENGINE_AUTO, &queue), 0);
		cr_assert_eq(blk_queue_engine(queue), BLK_ENGINE_SYNC);
		blk_queue_destroy(queue);
	}
	cr_assert_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	cr_assert_geq(pread(memory, log, sizeof(log) - 1, 0), 0);
	cr_assert_not_null(strstr(log, "io_uring is refused here (Operation not permitted)"));
	cr_assert_str_eq(strchr(log, '\n'), "\n", "not said once: %s", log);
	rig_fini(&rig);
}

Test(engine, io_uring_where_it_is_there)
{
	struct blk_queue *queue;
	int ret;

	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	ret = create(BLK_ENGINE_URING, &queue);
	if (ret < 0)
		cr_skip_test("this host refuses io_uring");
	blk_queue_destroy(queue);
	cr_assert_eq(create(BLK_ENGINE_AUTO, &queue), 0);
	cr_assert_eq(blk_queue_engine(queue), BLK_ENGINE_URING);
	blk_queue_destroy(queue);
	rig_fini(&rig);
}
