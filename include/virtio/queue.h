/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A split virtqueue, the device's side (virtio 1.2 section 2.7): chains out of it, used buffers
 * into it, and who has to be told. It knows no device and no transport.
 *
 * The driver is hostile. Each descriptor is copied once, the copy is checked and then used; the
 * areas are host pointers from gmem_slice(), made when the queue is enabled; a chain has a
 * bounded length; what breaks the rules breaks the queue: it gives no chain until it is enabled
 * anew, and its transport says DEVICE_NEEDS_RESET.
 *
 * Thread: @lock guards all of it but what is fixed by virtqueue_init(); functions named _locked
 * want it held. A lock, because a hostile guest may ring one queue from all its vCPUs at once and
 * because several threads may complete what one queue asked for. A driver of today rings a queue
 * from one vCPU at a time, so that it is nearly never waited for. It is a leaf.
 */
#ifndef ARCVISOR_VIRTIO_QUEUE_H
#define ARCVISOR_VIRTIO_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "mem/gmem.h"
#include "virtio/ring.h"

struct virtqueue {
	pthread_mutex_t lock;
	const struct gmem *mem;
	uint16_t max_size;

	bool ready;  /* enabled, and not disabled since */
	bool broken; /* the driver broke the rules; only a reset helps */
	bool event_idx, indirect;
	bool kicks;	    /* the driver was asked to ring */
	bool signalled_any; /* @signalled means something */
	uint16_t size;
	uint16_t next_avail; /* first chain that was not taken yet */
	uint16_t next_used;  /* where the next used buffer goes; published or not */
	uint16_t published;  /* as used->idx says */
	uint16_t signalled;  /* @published when the driver was last told */
	const struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
};

/* How the driver set a queue up. */
struct virtqueue_setup {
	uint16_t size; /* a power of two, at most max_size */
	gpa_t desc, avail, used;
	bool event_idx, indirect; /* negotiated */
};

/*
 * What a driver made available. @iov has room for @max_iov entries, the caller's; the first
 * @nr_out are the device's to read, the @nr_in behind them its to write. Host addresses, all of
 * them guest memory. No entry is empty.
 */
struct virtq_chain {
	struct iovec *iov;
	unsigned int max_iov;
	unsigned int nr_out, nr_in;
	uint64_t out_len, in_len; /* bytes; at most 2^32 each */
	uint16_t head;		  /* for virtqueue_push_locked() */
};

void virtqueue_init(struct virtqueue *vq, const struct gmem *mem, uint16_t max_size);
void virtqueue_fini(struct virtqueue *vq);

/* 0, or -EINVAL: the size, an alignment or an address is not what section 2.7 allows. */
int virtqueue_enable(struct virtqueue *vq, const struct virtqueue_setup *setup);

/* Chains that are out may still be pushed: that does nothing then. */
void virtqueue_disable(struct virtqueue *vq);

/*
 * Takes the next chain: 1; 0 where there is none, the queue is not ready or is broken; -EPROTO
 * where this broke it: the caller tells the transport.
 */
int virtqueue_pop_locked(struct virtqueue *vq, struct virtq_chain *chain);

/* No more chains from a driver that breaks a device's rules. */
void virtqueue_break_locked(struct virtqueue *vq);

/* Gives @head back, @written bytes of its writable part filled. virtqueue_publish_locked() shows
 * it.
 */
void virtqueue_push_locked(struct virtqueue *vq, uint16_t head, uint32_t written);

/* Shows all that was pushed. True: the driver wants an interrupt for it. */
bool virtqueue_publish_locked(struct virtqueue *vq);

/*
 * Asks the driver to ring when it adds chains, or to spare it. A queue that was enabled asks. After
 * asking, true: there is a chain already, for which it did not ring.
 */
bool virtqueue_want_kicks_locked(struct virtqueue *vq, bool on);

/* Whether there is a chain, as far as can be seen without a barrier. */
bool virtqueue_has_avail_locked(const struct virtqueue *vq);

#endif
