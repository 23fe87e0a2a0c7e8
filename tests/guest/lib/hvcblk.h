/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the hypercall disks: which disks they are given, patterns, and a queue's rings.
 *
 *   --disk A,via=hvc,serial=serial-0,discard=unmap --disk B,via=hvc,ro
 *   --disk C,via=hvc,block-size=4096,discard=off
 *
 * each of 1 MiB.
 */
#ifndef GUEST_HVCBLK_H
#define GUEST_HVCBLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/hvc_blk.h"

#define DISK_PLAIN   0U
#define DISK_RO	     1U
#define DISK_4K	     2U
#define DISK_COUNT   3U
#define DISK_SECTORS 2048U

static inline void hvcblk_fill(uint8_t *bytes, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)((i * 7 + i / 256 + seed) & 0xff);
}

static inline bool hvcblk_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

#define QUEUE_ENTRIES 32U

struct hvcblk_queue {
	struct hvc_blk_header header;
	struct hvc_blk_sqe sq[QUEUE_ENTRIES];
	struct hvc_blk_cqe cq[QUEUE_ENTRIES];
	struct hvc_blk_queue_config config;
	uint32_t id;
} __attribute__((aligned(64)));

/* The configuration of @queue, all else zero: for disk @disk, of CPU @cpu. */
static inline void hvcblk_configure(struct hvcblk_queue *queue, unsigned int disk, unsigned int cpu)
{
	*queue = (struct hvcblk_queue){ 0 };
	queue->config = (struct hvc_blk_queue_config){
		.dev = (uint16_t)disk,
		.sq_entries = QUEUE_ENTRIES,
		.cq_entries = QUEUE_ENTRIES,
		.irq = cpu,
		.header = (uintptr_t)&queue->header,
		.sq = (uintptr_t)queue->sq,
		.cq = (uintptr_t)queue->cq,
		.vcpu = cpu,
	};
}

/* Puts a request; not rung. */
static inline void hvcblk_put(struct hvcblk_queue *queue, const struct hvc_blk_sqe *sqe)
{
	uint32_t tail = queue->header.sq_tail;

	queue->sq[tail % QUEUE_ENTRIES] = *sqe;
	__atomic_store_n(&queue->header.sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static inline bool hvcblk_get(struct hvcblk_queue *queue, struct hvc_blk_cqe *cqe)
{
	uint32_t head = queue->header.cq_head;

	if (head == __atomic_load_n(&queue->header.cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*cqe = queue->cq[head % QUEUE_ENTRIES];
	__atomic_store_n(&queue->header.cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
