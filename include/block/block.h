/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block layer: requests in, completions out, whichever engine serves them.
 *
 * A struct disk (block/disk.h) is a file that was opened, checked and locked; any number of
 * queues serve it. A struct blk_queue is one engine's instance with one owner: on io_uring a
 * ring, without it a bounded pool of threads that run preadv2 and pwritev2. A front end (the
 * virtio device, the hypercall path) fills a struct blk_req that it owns, submits it, and is told
 * of its end by a callback on the owner's thread.
 *
 * Thread: all functions of a queue are called by its owner alone, which is the thread that called
 * blk_queue_attach(); blk_queue_create() and blk_queue_destroy() may run on another while there is
 * no owner. A front end that lets several threads take turns uses BLK_QUEUE_SHARED and a lock.
 *
 * No function below allocates, but create and destroy.
 *
 * Since the first version of this header (who programs against it, look here): a queue with
 * BLK_WAKE_SIGNAL names config.wake_owner; done() is never nested; blk_reap() goes on with what is
 * under way; rate limits are the queue's business alone: it wakes its owner when a request that was
 * held back may go.
 */
#ifndef ARCVISOR_BLOCK_BLOCK_H
#define ARCVISOR_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/disk.h"

enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,   /* what was written and completed before it is durable when it completes */
	BLK_DISCARD, /* the range's contents mean nothing from here on; read as zeroes or old */
	BLK_WRITE_ZEROES, /* the range reads as zeroes from here on */
};

#define BLK_FUA	    0x1u /* WRITE, WRITE_ZEROES: durable when it completes (RWF_DSYNC) */
#define BLK_NOUNMAP 0x2u /* WRITE_ZEROES: keep the space allocated */

/*
 * One request. The owner fills the first part and leaves it alone until @queue's callback has
 * named it; guest memory that @iov points to stays mapped as long. The engine may change the
 * entries of @iov while it works (a short transfer goes on where it ended), so that the array is
 * the request's own and is to be filled anew each time.
 */
struct blk_req {
	struct disk *disk;
	enum blk_op op;
	uint32_t flags;	 /* BLK_FUA, BLK_NOUNMAP */
	uint64_t offset; /* bytes; a multiple of the disk's logical block */
	uint64_t len;	 /* bytes; the sum of @iov for READ and WRITE; ignored for FLUSH */
	struct iovec *iov;
	unsigned int nr_iov; /* at most BLK_MAX_IOV */

	/*
	 * How it ended: 0, or -errno as the host said it: -EIO, -ENOSPC, -EROFS (the disk is
	 * read-only), -EOPNOTSUPP (the file cannot), -ERANGE (past the disk's end), -EINVAL (not
	 * in logical blocks, longer than its limit, unknown flags, @len and @iov disagree).
	 * Never short: a transfer is whole or failed. A read past the end of the backing file,
	 * inside the disk, gives zeroes.
	 */
	int status;

	/* The block layer's own. */
	struct blk_req *next;
	void *bounce;
	uint64_t moved;
	unsigned int first_iov;
	uint16_t tries, parts;
	uint8_t state;
	uint8_t slot;
};

#define BLK_MAX_IOV 1024u /* IOV_MAX */

/* Who is told that something finished while the owner was not looking. */
enum blk_wake {
	BLK_WAKE_EVENTFD, /* the queue's eventfd; for epoll, or bound to a guest's interrupt */
	BLK_WAKE_SIGNAL,  /* the owner leaves KVM_RUN or any wait with EINTR; for vCPU threads */
};

#define BLK_MAX_QUEUE_DISKS 255u
#define BLK_MAX_PINNED	    8u

#define BLK_QUEUE_SHARED 0x1u /* several threads take turns: no SINGLE_ISSUER, no DEFER_TASKRUN */

/*
 * Memory that stays where it is, and backed by the same pages, while a queue lives: io_uring pins
 * it once, and not at each transfer of one segment that lies inside. It counts against
 * RLIMIT_MEMLOCK, for each queue; where that does not suffice it is left, said once in the log.
 * Never memory that a balloon takes pages from: a read would go to pages that the guest no longer
 * has.
 */
struct blk_pinned {
	struct iovec iov[BLK_MAX_PINNED];
	unsigned int nr;
};

struct blk_queue_config {
	enum blk_engine engine;
	enum blk_wake wake;
	uint32_t flags;
	unsigned int depth; /* requests in flight at most, 1 to BLK_MAX_DEPTH */
	int eventfd; /* BLK_WAKE_EVENTFD: written at a completion; the caller's, or -1: made */
	struct disk *const *disks; /* all that the queue will serve: registered files */
	unsigned int nr_disks;

	const struct blk_pinned *pinned; /* or NULL; not kept */

	/*
	 * Called on the owner's thread, from within the functions below. It may submit, and kick;
	 * what ends by that is told after it has returned. @req is the caller's again.
	 */
	void (*done)(void *ctx, struct blk_req *req);

	/*
	 * BLK_WAKE_SIGNAL needs it: called by a worker thread where io_uring does not serve; makes
	 * the owner leave its wait, as a vCPU's kick does. With io_uring the kernel does that.
	 */
	void (*wake_owner)(void *ctx);
	void *ctx;
};

#define BLK_MAX_DEPTH 4096u

struct blk_queue;

/*
 * 0 or -errno. AUTO never fails for the lack of io_uring, and says once in the log what it took
 * and why; URING then fails with -ENOSYS, -EPERM or what the kernel said.
 */
int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **out);

/*
 * After blk_queue_drain(), or never attached. By the owner or after its thread has ended: else the
 * kernel keeps the ring until it ends. NULL is fine.
 */
void blk_queue_destroy(struct blk_queue *queue);

/*
 * The calling thread owns the queue from here on. Once, before anything is submitted. 0 or -errno.
 * What it submitted is lost if it ends before the queue is drained.
 */
int blk_queue_attach(struct blk_queue *queue);

/*
 * Takes *@req. It is refused, by done() with a status and before this returns, where it is not
 * what the disk can do: all checks of range, alignment and read-only are here. What is at hand at
 * once (a read from the page cache at low depth) may complete before this returns; the rest waits
 * for blk_kick(). At most config.depth are in flight: the caller holds others back. A request
 * over the disk's rate limit is held back in order, and counts as in flight.
 */
void blk_submit(struct blk_queue *queue, struct blk_req *req);

/* Starts what was submitted, in one system call, and reports what has finished by then. */
void blk_kick(struct blk_queue *queue);

/*
 * Reports what has finished, and goes on with what is under way: the rest of a short transfer, what
 * waited for a bounce buffer or for its rate. Returns how many were reported. Costs a system call
 * only if something is in flight.
 */
unsigned int blk_reap(struct blk_queue *queue);

/* As blk_reap(), but waits for one if something is in flight, at most @ns nanoseconds. */
unsigned int blk_wait(struct blk_queue *queue, uint64_t ns);

/* Waits until nothing is in flight, and reports all of it. What a limit holds back goes at once. */
void blk_queue_drain(struct blk_queue *queue);

/*
 * BLK_WAKE_EVENTFD: whether completions write to the eventfd. Off while the owner polls by itself.
 * After allowing them, call blk_reap() once more: what finished in between was not told.
 */
void blk_wakes(struct blk_queue *queue, bool on);

unsigned int blk_in_flight(const struct blk_queue *queue);
int blk_queue_eventfd(const struct blk_queue *queue); /* -1: none */

/* What serves it: BLK_ENGINE_URING or BLK_ENGINE_SYNC. */
enum blk_engine blk_queue_engine(const struct blk_queue *queue);

#endif
