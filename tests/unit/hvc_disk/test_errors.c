/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that the host's kernel really gives, through each engine and each way to serve: the guest
 * sees the right status, and the queue goes on. The limit of a file's size is the one that a test
 * can have without being root.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "disk_rig.h"

#define LIMIT (1u << 20)

TestSuite(hvc_errors, .timeout = 300);

static void limit_files(void)
{
	const struct rlimit limit = { LIMIT, LIMIT };

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static struct hvc_blk_cqe run(unsigned int op, uint64_t sector)
{
	struct hvc_blk_cqe cqe;

	rig_put(op, 1, sector, DATA, 4096);
	hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8);
	while (!rig_get(&cqe)) {
		rig_interrupt();
		hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_REAP, 8);
	}
	return cqe;
}

static void expect_errors(enum blk_engine engine, enum disk_mode mode)
{
	if (!rig_init(engine, false, mode)) {
		rig_fini();
		cr_skip_test("no io_uring here");
	}
	limit_files();
	cr_expect_eq(rig_call(HVC_BLK_WRITE, 0, LIMIT / 512, DATA, 4096), -EFBIG, "version 1");
	cr_expect_eq(rig_call(HVC_BLK_WRITE, 0, 0, DATA, 4096), 4096);
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; i < 20; i++) {
		struct hvc_blk_cqe cqe = run(HVC_BLK_OP_WRITE, LIMIT / 512 + i * 8);

		cr_expect_eq(cqe.status, HVC_BLK_IOERR);
		cr_expect_eq(cqe.bytes, 0);
		cr_expect_eq(run(HVC_BLK_OP_WRITE, LIMIT / 512 - 8).status, HVC_BLK_OK);
		cr_expect_eq(run(HVC_BLK_OP_READ, LIMIT / 512).bytes, 4096);
	}
	rig_fini();
}

Test(hvc_errors, of_threads)
{
	expect_errors(BLK_ENGINE_SYNC, DISK_MODE_AUTO);
}

Test(hvc_errors, of_io_uring)
{
	expect_errors(BLK_ENGINE_URING, DISK_MODE_AUTO);
}

Test(hvc_errors, of_a_poller_and_threads)
{
	expect_errors(BLK_ENGINE_SYNC, DISK_MODE_THREAD);
}

Test(hvc_errors, of_a_poller_and_io_uring)
{
	expect_errors(BLK_ENGINE_URING, DISK_MODE_THREAD);
}
