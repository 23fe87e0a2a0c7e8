/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: the block device's queues and requests, and what a lane is made of. */
#ifndef ARCVISOR_VIRTIO_BLK_INTERNAL_H
#define ARCVISOR_VIRTIO_BLK_INTERNAL_H

#include <time.h>

#include "virtio/blk.h"

#define SECTOR_SHIFT 9u

/* Request types, status bytes, feature bits (section 5.2). */
enum {
	VBLK_T_IN = 0,
	VBLK_T_OUT = 1,
	VBLK_T_FLUSH = 4,
	VBLK_T_GET_ID = 8,
	VBLK_T_DISCARD = 11,
	VBLK_T_WRITE_ZEROES = 13,
};

enum {
	VBLK_S_OK = 0,
	VBLK_S_IOERR = 1,
	VBLK_S_UNSUPP = 2,
};

#define VBLK_F_SIZE_MAX	    1u
#define VBLK_F_SEG_MAX	    2u
#define VBLK_F_RO	    5u
#define VBLK_F_BLK_SIZE	    6u
#define VBLK_F_FLUSH	    9u
#define VBLK_F_TOPOLOGY	    10u
#define VBLK_F_CONFIG_WCE   11u
#define VBLK_F_MQ	    12u
#define VBLK_F_DISCARD	    13u
#define VBLK_F_WRITE_ZEROES 14u

/* Section 5.2.6, what every request begins with. */
struct vblk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

/* Section 5.2.6, the data of DISCARD and WRITE_ZEROES. */
struct vblk_range {
	uint64_t sector;
	uint32_t nr_sectors;
	uint32_t flags;
};

#define VBLK_RANGE_UNMAP 0x1u

#define VBLK_MAX_IOV (VBLK_SEG_MAX + 2) /* header and status are of their own, or are not */

struct vblk_queue;

struct vblk_req {
	struct blk_req blk; /* first: done() is given that */
	struct vblk_queue *queue;
	struct vblk_req *next; /* free, or taken and not submitted yet */
	uint8_t *status;       /* where the guest reads how it ended */
	uint32_t written;      /* bytes before that, where it succeeds */
	uint16_t head;
	struct iovec iov[VBLK_MAX_IOV];
};

/* The virtqueue's lock guards it. */
struct vblk_queue {
	struct vblk *vblk;
	struct virtqueue *vq;
	struct vblk_req *reqs;	 /* VBLK_QUEUE_SIZE of them */
	struct vblk_req *free;	 /* of the first nr_touched */
	unsigned int nr_touched; /* that ever were in use; the others are untouched memory */
	unsigned int in_flight;	 /* taken and not pushed */
	unsigned int waiters;	 /* threads in queue_stop() */
	pthread_cond_t idle;	 /* in_flight is 0 */

	/* Has chains that its lane found no room for; the link is that lane's. */
	bool starved;
	struct vblk_queue *next_starved;
};

struct vblk {
	struct virtio_device dev; /* first */
	struct disk *disk;
	uint64_t capacity;    /* sectors, as the driver sees it; config_begin() guards it */
	_Atomic bool started; /* DRIVER_OK: until then buffers are not looked at */
	int doorbell;	      /* a thread's; -1: the vCPU that rings serves */
	struct vblk_queue queues[];
};

/*
 * Touched queues have used buffers that are not published: one publication and at most one
 * interrupt for all that a look at the block layer brought.
 */
#define LANE_TOUCHED 8u
#define LANE_ENGINES (BLK_ENGINE_SYNC + 1u)

struct vblk_lane {
	struct blk_queue *engines[LANE_ENGINES]; /* by disk_config.engine; NULL: no such disk */
	bool wakes_by_signal;
	void (*wake_owner)(void *ctx);
	void *ctx;
	int wake_signal;
	struct vblk_queue *touched[LANE_TOUCHED];
	unsigned int nr_touched;
	struct vblk_queue *starved;
	bool has_timer, armed;
	timer_t timer;
};

/* ---- blk_request.c --------------------------------------------------------------------------- */

enum vblk_parsed {
	VBLK_SUBMIT, /* for the block layer */
	VBLK_ENDED,  /* its status byte is written; req->written is set */
	VBLK_BROKEN, /* no header, or nowhere to put a status */
};

/* What @chain, whose iov is req->iov, asks for: fills req->blk and where its end is told. */
enum vblk_parsed vblk_parse(const struct vblk *vblk, struct virtq_chain *chain,
			    struct vblk_req *req);

/* The status byte of a request that the block layer ended with @error, 0 or -errno. */
uint8_t vblk_status(int error);

/* ---- blk_lane.c ------------------------------------------------------------------------------ */

/* The calling thread's, or NULL. */
struct vblk_lane *vblk_lane_current(void);

/*
 * Takes and submits what @queue has, and completes what is there at once. @ask: the driver shall
 * ring for what it adds from here on. True: there was something. On the lane's thread.
 */
bool vblk_serve(struct vblk_lane *lane, struct vblk_queue *queue, bool ask);

unsigned int vblk_lane_in_flight(const struct vblk_lane *lane);

/* BLK_WAKE_EVENTFD: as blk_wakes(). */
void vblk_lane_wakes(struct vblk_lane *lane, bool on);

#endif
