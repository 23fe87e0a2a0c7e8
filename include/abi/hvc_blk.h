/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The HVC block ABI: what a guest's block driver and the VMM say to each other. docs/abi-hvc-blk.md
 * is the normative text; this header states it in C once, for the VMM, the Linux driver and the
 * test guests. Little endian, natural alignment, reserved fields zero.
 */
#ifndef ARCVISOR_ABI_HVC_BLK_H
#define ARCVISOR_ABI_HVC_BLK_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
typedef __le16 hvc_le16;
typedef __le32 hvc_le32;
typedef __le64 hvc_le64;
typedef __u8 hvc_u8;
#else
#include <stddef.h>
#include <stdint.h>
typedef uint16_t hvc_le16;
typedef uint32_t hvc_le32;
typedef uint64_t hvc_le64;
typedef uint8_t hvc_u8;
#endif

/* ---- calls: SMCCC 1.1 fast, 64-bit, owner 2 (Arm DEN0028) ----------------------------------- */

#define HVC_BLK_FN_BASE	 0xc2000000u
#define HVC_BLK_FN_COUNT 0x5000u

#define HVC_BLK_PROBE	      0xc2000000u
#define HVC_BLK_READ	      0xc2000001u
#define HVC_BLK_WRITE	      0xc2000002u
#define HVC_BLK_FLUSH	      0xc2000003u
#define HVC_BLK_CAPACITY      0xc2000004u
#define HVC_BLK_VERSION	      0xc2000100u
#define HVC_BLK_DEV_INFO      0xc2000101u
#define HVC_BLK_QUEUE_SETUP   0xc2000102u
#define HVC_BLK_QUEUE_CTRL    0xc2000103u
#define HVC_BLK_GET_ID	      0xc2000104u
#define HVC_BLK_DOORBELL      0xc2001000u /* + queue */
#define HVC_BLK_REAP	      0xc2002000u
#define HVC_BLK_DOORBELL_WAIT 0xc2003000u
#define HVC_BLK_WAKEUP	      0xc2004000u

#define HVC_BLK_MAX_QUEUES 0x1000u

/* What a call that failed has in X0, negated. The numbers are Linux'. */
#define HVC_BLK_ENOENT	  2   /* no such queue */
#define HVC_BLK_EIO	  5   /* the host could not */
#define HVC_BLK_E2BIG	  7   /* a structure says something that this host does not know */
#define HVC_BLK_EFAULT	  14  /* not all in guest memory */
#define HVC_BLK_EBUSY	  16  /* the disk is in use by the other version */
#define HVC_BLK_EXDEV	  18  /* another vCPU's queue */
#define HVC_BLK_ENODEV	  19  /* no such disk, or not by this version */
#define HVC_BLK_EINVAL	  22  /* arguments that mean nothing */
#define HVC_BLK_ENOSPC	  28  /* no queue left */
#define HVC_BLK_EROFS	  30  /* the disk is read-only */
#define HVC_BLK_EPIPE	  32  /* the queue is BROKEN */
#define HVC_BLK_ERANGE	  34  /* past the disk's end */
#define HVC_BLK_ESHUTDOWN 108 /* the queue is not enabled */

/* VERSION: X0 = major << 16 | minor, X1 = features, X2 = queues << 32 | entries. */
#define HVC_BLK_VERSION_2_0 0x20000u

#define HVC_BLK_F_RINGS	       (1u << 0)
#define HVC_BLK_F_INLINE       (1u << 1) /* a doorbell may return with completions posted */
#define HVC_BLK_F_IRQ_REAP     (1u << 2) /* an interrupt posts nothing: the guest calls REAP */
#define HVC_BLK_F_HOST_POLL    (1u << 3)
#define HVC_BLK_F_GUEST_POLL   (1u << 4)
#define HVC_BLK_F_MMIO	       (1u << 5)
#define HVC_BLK_F_FUA	       (1u << 6)
#define HVC_BLK_F_DISCARD      (1u << 7)
#define HVC_BLK_F_WRITE_ZEROES (1u << 8)
#define HVC_BLK_F_RESIZE       (1u << 9)

/* QUEUE_CTRL, X2. */
#define HVC_BLK_CTRL_ENABLE  1u
#define HVC_BLK_CTRL_QUIESCE 2u
#define HVC_BLK_CTRL_RESET   3u
#define HVC_BLK_CTRL_FREE    4u

/* ---- limits --------------------------------------------------------------------------------- */

#define HVC_BLK_SECTOR	     512u /* bytes: v2 counts everything in these */
#define HVC_BLK_MAX_ENTRIES  1024u
#define HVC_BLK_MAX_SEGMENTS 256u
#define HVC_BLK_MAX_CONFIG   256u /* bytes that QUEUE_SETUP takes at most */

/* ---- DEV_INFO, GET_ID ----------------------------------------------------------------------- */

#define HVC_BLK_DEV_READ_ONLY	 (1u << 0)
#define HVC_BLK_DEV_WRITE_CACHE	 (1u << 1)
#define HVC_BLK_DEV_FUA		 (1u << 2)
#define HVC_BLK_DEV_DISCARD	 (1u << 3)
#define HVC_BLK_DEV_WRITE_ZEROES (1u << 4)
#define HVC_BLK_DEV_ROTATIONAL	 (1u << 5)

struct hvc_blk_device_info {
	hvc_le32 size;	/* bytes of this that the host filled */
	hvc_le32 flags; /* HVC_BLK_DEV_* */
	hvc_le64 sectors;
	hvc_le32 logical_block; /* bytes */
	hvc_le32 physical_block;
	hvc_le32 io_min;
	hvc_le32 io_opt;
	hvc_le32 max_sectors; /* of one READ or WRITE */
	hvc_le32 max_segments;
	hvc_le32 max_segment_bytes;
	hvc_le32 dma_alignment;	      /* bytes: unaligned data is copied once more */
	hvc_le32 discard_granularity; /* bytes */
	hvc_le32 max_discard;	      /* sectors */
	hvc_le32 max_write_zeroes;    /* sectors */
	hvc_le32 max_queues;
	hvc_le32 generation; /* counts changes of the above */
	hvc_u8 reserved[188];
};

struct hvc_blk_id {
	hvc_u8 serial[32]; /* zero padded; not terminated where full */
	hvc_u8 model[32];
};

/* ---- queues --------------------------------------------------------------------------------- */

#define HVC_BLK_QUEUE_POLL	(1u << 0) /* the guest polls it by REAP */
#define HVC_BLK_QUEUE_NO_IRQ	(1u << 1)
#define HVC_BLK_QUEUE_HOST_POLL (1u << 2)

struct hvc_blk_queue_config {
	hvc_le16 dev;
	hvc_le16 flags;
	hvc_le32 sq_entries; /* power of two */
	hvc_le32 cq_entries; /* power of two, at least sq_entries */
	hvc_le32 irq;	     /* index into the node's interrupts: the vCPU's own */
	hvc_le64 header;     /* gpa, 64-byte aligned */
	hvc_le64 sq;	     /* gpa, 64-byte aligned */
	hvc_le64 cq;	     /* gpa, 64-byte aligned */
	hvc_le32 vcpu;	     /* the one that calls, now and ever after */
	hvc_le32 intid;	     /* out */
	hvc_le64 reserved[2];
};

/* header.guest_flags */
#define HVC_BLK_GUEST_NO_IRQ	  (1u << 0)
#define HVC_BLK_GUEST_WANT_INLINE (1u << 1)

/* header.host_flags */
#define HVC_BLK_HOST_NEED_WAKEUP    (1u << 0)
#define HVC_BLK_HOST_POLLING	    (1u << 1)
#define HVC_BLK_HOST_BROKEN	    (1u << 2)
#define HVC_BLK_HOST_CONFIG_CHANGED (1u << 3)

struct hvc_blk_header {
	/* The guest writes this line. */
	hvc_le32 sq_tail;
	hvc_le32 cq_head;
	hvc_le32 guest_flags;
	hvc_le32 wait_us; /* DOORBELL_WAIT at most */
	hvc_le32 cq_event;
	hvc_u8 reserved0[44];
	/* The host writes this one. */
	hvc_le32 sq_head;
	hvc_le32 cq_tail;
	hvc_le32 host_flags;
	hvc_le32 generation;
	hvc_le64 dropped;
	hvc_u8 reserved1[40];
	hvc_u8 reserved2[128];
};

#define HVC_BLK_OP_READ		1u
#define HVC_BLK_OP_WRITE	2u
#define HVC_BLK_OP_FLUSH	3u
#define HVC_BLK_OP_DISCARD	4u
#define HVC_BLK_OP_WRITE_ZEROES 5u

#define HVC_BLK_SQE_FUA	     (1u << 0)
#define HVC_BLK_SQE_INDIRECT (1u << 1)
#define HVC_BLK_SQE_NOUNMAP  (1u << 2)
#define HVC_BLK_SQE_HIPRI    (1u << 3)

struct hvc_blk_segment {
	hvc_le64 gpa;
	hvc_le32 len; /* bytes */
	hvc_le32 reserved;
};

struct hvc_blk_sqe {
	hvc_u8 op;
	hvc_u8 flags;
	hvc_le16 tag;
	hvc_le16 nseg;
	hvc_le16 ioprio;
	hvc_le64 sector;
	hvc_le32 nr_sectors;
	hvc_le32 reserved0;
	struct hvc_blk_segment seg[2];
	hvc_le64 reserved1;
};

#define HVC_BLK_OK	    0u
#define HVC_BLK_IOERR	    1u
#define HVC_BLK_UNSUPPORTED 2u
#define HVC_BLK_RANGE	    3u
#define HVC_BLK_READ_ONLY   4u
#define HVC_BLK_NO_SPACE    5u
#define HVC_BLK_INVALID	    6u
#define HVC_BLK_TIMEOUT	    7u

#define HVC_BLK_CQE_INLINE (1u << 0) /* posted by the doorbell that took the request */

struct hvc_blk_cqe {
	hvc_le16 tag;
	hvc_u8 status;
	hvc_u8 flags;
	hvc_le32 bytes; /* read or written */
	hvc_le64 reserved;
};

/* ---- the MMIO twin -------------------------------------------------------------------------- */

#define HVC_BLK_MMIO_DOORBELL 0x00000u /* + 8 * queue */
#define HVC_BLK_MMIO_REAP     0x08000u /* + 8 * queue */
#define HVC_BLK_MMIO_CALL     0x10000u
#define HVC_BLK_MMIO_SIZE     0x20000u

struct hvc_blk_mmio_call {
	hvc_le64 function;
	hvc_le64 x[6];	 /* X1 to X6 */
	hvc_le64 ret[4]; /* X0 to X3 */
};

/* ---- sizes and places ----------------------------------------------------------------------- */

#define HVC_BLK_AT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define HVC_BLK_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

HVC_BLK_SIZE(hvc_blk_device_info, 256);
HVC_BLK_AT(hvc_blk_device_info, size, 0);
HVC_BLK_AT(hvc_blk_device_info, flags, 4);
HVC_BLK_AT(hvc_blk_device_info, sectors, 8);
HVC_BLK_AT(hvc_blk_device_info, logical_block, 16);
HVC_BLK_AT(hvc_blk_device_info, physical_block, 20);
HVC_BLK_AT(hvc_blk_device_info, io_min, 24);
HVC_BLK_AT(hvc_blk_device_info, io_opt, 28);
HVC_BLK_AT(hvc_blk_device_info, max_sectors, 32);
HVC_BLK_AT(hvc_blk_device_info, max_segments, 36);
HVC_BLK_AT(hvc_blk_device_info, max_segment_bytes, 40);
HVC_BLK_AT(hvc_blk_device_info, dma_alignment, 44);
HVC_BLK_AT(hvc_blk_device_info, discard_granularity, 48);
HVC_BLK_AT(hvc_blk_device_info, max_discard, 52);
HVC_BLK_AT(hvc_blk_device_info, max_write_zeroes, 56);
HVC_BLK_AT(hvc_blk_device_info, max_queues, 60);
HVC_BLK_AT(hvc_blk_device_info, generation, 64);
HVC_BLK_AT(hvc_blk_device_info, reserved, 68);

HVC_BLK_SIZE(hvc_blk_id, 64);
HVC_BLK_AT(hvc_blk_id, serial, 0);
HVC_BLK_AT(hvc_blk_id, model, 32);

HVC_BLK_SIZE(hvc_blk_queue_config, 64);
HVC_BLK_AT(hvc_blk_queue_config, dev, 0);
HVC_BLK_AT(hvc_blk_queue_config, flags, 2);
HVC_BLK_AT(hvc_blk_queue_config, sq_entries, 4);
HVC_BLK_AT(hvc_blk_queue_config, cq_entries, 8);
HVC_BLK_AT(hvc_blk_queue_config, irq, 12);
HVC_BLK_AT(hvc_blk_queue_config, header, 16);
HVC_BLK_AT(hvc_blk_queue_config, sq, 24);
HVC_BLK_AT(hvc_blk_queue_config, cq, 32);
HVC_BLK_AT(hvc_blk_queue_config, vcpu, 40);
HVC_BLK_AT(hvc_blk_queue_config, intid, 44);
HVC_BLK_AT(hvc_blk_queue_config, reserved, 48);

HVC_BLK_SIZE(hvc_blk_header, 256);
HVC_BLK_AT(hvc_blk_header, sq_tail, 0);
HVC_BLK_AT(hvc_blk_header, cq_head, 4);
HVC_BLK_AT(hvc_blk_header, guest_flags, 8);
HVC_BLK_AT(hvc_blk_header, wait_us, 12);
HVC_BLK_AT(hvc_blk_header, cq_event, 16);
HVC_BLK_AT(hvc_blk_header, sq_head, 64);
HVC_BLK_AT(hvc_blk_header, cq_tail, 68);
HVC_BLK_AT(hvc_blk_header, host_flags, 72);
HVC_BLK_AT(hvc_blk_header, generation, 76);
HVC_BLK_AT(hvc_blk_header, dropped, 80);

HVC_BLK_SIZE(hvc_blk_segment, 16);
HVC_BLK_AT(hvc_blk_segment, gpa, 0);
HVC_BLK_AT(hvc_blk_segment, len, 8);
HVC_BLK_AT(hvc_blk_segment, reserved, 12);

HVC_BLK_SIZE(hvc_blk_sqe, 64);
HVC_BLK_AT(hvc_blk_sqe, op, 0);
HVC_BLK_AT(hvc_blk_sqe, flags, 1);
HVC_BLK_AT(hvc_blk_sqe, tag, 2);
HVC_BLK_AT(hvc_blk_sqe, nseg, 4);
HVC_BLK_AT(hvc_blk_sqe, ioprio, 6);
HVC_BLK_AT(hvc_blk_sqe, sector, 8);
HVC_BLK_AT(hvc_blk_sqe, nr_sectors, 16);
HVC_BLK_AT(hvc_blk_sqe, reserved0, 20);
HVC_BLK_AT(hvc_blk_sqe, seg, 24);
HVC_BLK_AT(hvc_blk_sqe, reserved1, 56);

HVC_BLK_SIZE(hvc_blk_cqe, 16);
HVC_BLK_AT(hvc_blk_cqe, tag, 0);
HVC_BLK_AT(hvc_blk_cqe, status, 2);
HVC_BLK_AT(hvc_blk_cqe, flags, 3);
HVC_BLK_AT(hvc_blk_cqe, bytes, 4);
HVC_BLK_AT(hvc_blk_cqe, reserved, 8);

HVC_BLK_SIZE(hvc_blk_mmio_call, 88);
HVC_BLK_AT(hvc_blk_mmio_call, function, 0);
HVC_BLK_AT(hvc_blk_mmio_call, x, 8);
HVC_BLK_AT(hvc_blk_mmio_call, ret, 56);

#endif
