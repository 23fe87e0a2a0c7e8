/* SPDX-License-Identifier: Apache-2.0 */
/* A ring's life: set up with what the kernel has, restricted, attached to its owner, closed. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "uring.h"

#define MAX_SQES 256u /* more go in several batches */

/* Debian 12's liburing has not all of these by name. */
static int ring_register(struct uring *uring, unsigned int what, void *arg, unsigned int nr)
{
	long ret = syscall(SYS_io_uring_register, uring->ring.ring_fd, what, arg, nr);

	return ret < 0 ? -errno : (int)ret;
}

/* Its own file descriptor table entry saves the kernel a look-up a call; for this thread alone. */
static void register_ring(struct uring *uring)
{
	struct io_uring_rsrc_update reg = { .offset = UINT32_MAX,
					    .data = (unsigned int)uring->ring.ring_fd };

	if (ring_register(uring, IORING_REGISTER_RING_FDS, &reg, 1) != 1)
		return;
	uring->enter_fd = (int)reg.offset;
	uring->enter_flags = IORING_ENTER_REGISTERED_RING;
	uring->owner = pthread_self();
}

/* Where the owner has ended, the kernel did it. */
static void unregister_ring(struct uring *uring)
{
	struct io_uring_rsrc_update reg = { .offset = (unsigned int)uring->enter_fd };

	if (uring->enter_flags && pthread_equal(uring->owner, pthread_self()))
		ring_register(uring, IORING_UNREGISTER_RING_FDS, &reg, 1);
}

/* Registering comes first: once enabled, the ring's restrictions refuse it. */
int uring_attach(struct blk_queue *queue)
{
	struct uring *uring = queue->engine;

	if (!(queue->config.flags & BLK_QUEUE_SHARED))
		register_ring(uring);
	return ring_register(uring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/*
 * Whoever takes over this process's memory cannot make the ring open, connect or execute: these
 * operations and no others, on the registered files alone. The last two are of younger kernels.
 */
static int restrict_ring(struct uring *uring)
{
	static const uint8_t ops[] = { IORING_OP_READ,	      IORING_OP_WRITE,
				       IORING_OP_READV,	      IORING_OP_WRITEV,
				       IORING_OP_FSYNC,	      IORING_OP_FALLOCATE,
				       IORING_OP_TIMEOUT,     IORING_OP_READ_FIXED,
				       IORING_OP_WRITE_FIXED, IORING_OP_URING_CMD };
	struct io_uring_restriction res[ARRAY_SIZE(ops) + 3] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
	};
	unsigned int nr = ARRAY_SIZE(res), cmd = nr - 2;
	int ret;

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		res[i + 2].opcode = IORING_RESTRICTION_SQE_OP;
		res[i + 2].sqe_op = ops[i];
	}
	res[nr - 1].opcode = IORING_RESTRICTION_REGISTER_OP;
	res[nr - 1].register_op = IORING_UNREGISTER_RING_FDS;
	do {
		ret = ring_register(uring, IORING_REGISTER_RESTRICTIONS, res, nr);
	} while (ret == -EINVAL && nr-- > cmd);
	uring->has_cmd = ret == 0 && nr > cmd;
	return ret;
}

static unsigned int nr_buffers(const struct iovec *mem)
{
	return (unsigned int)((mem->iov_len + URING_PIN_SIZE - 1) >> URING_PIN_SHIFT);
}

static void cut(const struct iovec *mem, struct iovec *out)
{
	for (uint64_t at = 0; at < mem->iov_len; at += URING_PIN_SIZE) {
		uint64_t left = mem->iov_len - at;

		*out++ = (struct iovec){
			(uint8_t *)mem->iov_base + at,
			(size_t)(left < URING_PIN_SIZE ? left : URING_PIN_SIZE),
		};
	}
}

int uring_pin(struct uring *uring, const struct iovec *mem, unsigned int nr)
{
	struct iovec *buffers;
	unsigned int sum = 0;
	int ret;

	for (unsigned int i = 0; i < nr; i++)
		sum += nr_buffers(&mem[i]);
	buffers = calloc(sum, sizeof(*buffers));
	if (!buffers)
		return -ENOMEM;
	sum = 0;
	for (unsigned int i = 0; i < nr; i++) {
		uring->pins[i] =
			(struct uring_pin){ (uintptr_t)mem[i].iov_base, mem[i].iov_len, sum };
		cut(&mem[i], &buffers[sum]);
		sum += nr_buffers(&mem[i]);
	}
	ret = io_uring_register_buffers(&uring->ring, buffers, sum);
	free(buffers);
	if (ret == 0)
		uring->nr_pins = nr;
	return ret;
}

/* Without it all works the same, for more instructions. */
static void pin_memory(struct uring *uring)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	const struct blk_queue_config *config = &uring->queue->config;
	int ret;

	if (!config->pinned || !config->pinned->nr)
		return;
	ret = uring_pin(uring, config->pinned->iov, config->pinned->nr);
	if (ret < 0 && !atomic_flag_test_and_set(&said))
		log_warn("guest memory cannot be pinned for disks (%s), each transfer pins its own "
			 "pages; raise ulimit -l",
			 strerror(-ret));
}

static int register_parts(struct uring *uring)
{
	struct blk_queue *queue = uring->queue;
	int fds[BLK_MAX_QUEUE_DISKS];
	int ret;

	for (unsigned int i = 0; i < queue->nr_slots; i++)
		fds[i] = disk_fd(queue->slots[i].disk);
	ret = io_uring_register_files(&uring->ring, fds, queue->nr_slots);
	if (ret == 0 && queue->eventfd >= 0)
		ret = io_uring_register_eventfd(&uring->ring, queue->eventfd);
	if (ret == 0)
		pin_memory(uring);
	return ret == 0 ? restrict_ring(uring) : ret;
}

/* Older kernels refuse what they do not know: fewer flags, then. */
static int make_ring(struct uring *uring)
{
	const struct blk_queue_config *config = &uring->queue->config;
	unsigned int more[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SUBMIT_ALL,
		0,
	};
	unsigned int entries = config->depth < MAX_SQES ? config->depth : MAX_SQES;
	int ret = -EINVAL;

	if (config->flags & BLK_QUEUE_SHARED)
		more[0] = IORING_SETUP_SUBMIT_ALL;
	else if (config->wake == BLK_WAKE_SIGNAL)
		more[0] = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER;
	for (unsigned int i = 0; i < ARRAY_SIZE(more) && ret == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | more[i],
			.cq_entries = config->depth + URING_MAX_ALARMS,
		};

		if (params.cq_entries < entries * 2)
			params.cq_entries = entries * 2;
		ret = io_uring_queue_init_params(entries, &uring->ring, &params);
		uring->deferred = more[i] & IORING_SETUP_DEFER_TASKRUN;
	}
	if (ret == 0 && !(uring->ring.features & IORING_FEAT_EXT_ARG)) {
		io_uring_queue_exit(&uring->ring);
		ret = -ENOSYS; /* Linux 5.10 and before cannot wait for a time */
	}
	return ret;
}

int uring_create(struct blk_queue *queue)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int ret;

	if (!uring)
		return -ENOMEM;
	uring->queue = queue;
	uring->alarm = UINT64_MAX;
	ret = make_ring(uring);
	if (ret < 0)
		goto fail;
	uring->enter_fd = uring->ring.ring_fd;
	for (unsigned int i = 0; uring->ring.sq.array && i < *uring->ring.sq.kring_entries; i++)
		uring->ring.sq.array[i] = i;
	ret = register_parts(uring);
	if (ret < 0)
		goto fail_ring;
	queue->engine = uring;
	return 0;

fail_ring:
	io_uring_queue_exit(&uring->ring);
fail:
	free(uring);
	return ret;
}

void uring_destroy(struct blk_queue *queue)
{
	struct uring *uring = queue->engine;

	unregister_ring(uring);
	io_uring_queue_exit(&uring->ring);
	free(uring);
}
