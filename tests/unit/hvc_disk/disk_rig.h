/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block service over the real block layer and a real file, and a guest's view of it: one vCPU,
 * which is the test's own thread, and calls through the MMIO twin.
 */
#ifndef ARCVISOR_TESTS_DISK_RIG_H
#define ARCVISOR_TESTS_DISK_RIG_H

#include <poll.h>

#include "../../hvc_queue.h"
#include "backend/backend.h"
#include "hvc/hvc_blk.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE 0x200000ull
#define CALL	 RAM_BASE
#define CONFIG	 (RAM_BASE + 0x1000)
#define HEADER	 (RAM_BASE + 0x2000)
#define SQ	 (HEADER + HVC_QUEUE_SQ)
#define CQ	 (HEADER + HVC_QUEUE_CQ)
#define DATA	 (RAM_BASE + 0x100000)
#define ENTRIES	 64u
#define SIZE	 (4 << 20)

struct rig {
	char path[256];
	struct disk_config config;
	struct disk *disk;
	struct gmem mem;
	struct irq_line line;
	struct hvc_blk *blk;
	struct hvc_blk_header *header;
	struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;
};

extern struct rig rig;

/* False where this machine has no such engine. @mode: DISK_MODE_THREAD for a poller. */
bool rig_init(enum blk_engine engine, bool direct, enum disk_mode mode);
void rig_fini(void);

int64_t rig_call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);

/* Sets up and enables queue 0, ENTRIES long on both sides. */
void rig_open(unsigned int flags);

/* Puts a request; not rung. */
void rig_put(unsigned int op, unsigned int tag, uint64_t sector, gpa_t gpa, uint32_t bytes);

/* The next completion, if there is one. */
bool rig_get(struct hvc_blk_cqe *cqe);

/* Waits for the interrupt, which must come. */
void rig_interrupt(void);

/*
 * As a guest does: rings, looks, and where something is missing waits for the interrupt, which
 * must come, and calls REAP. Takes @count completions, all of which must be OK.
 */
void rig_finish(unsigned int count);

void rig_fill(uint8_t *bytes, size_t len, unsigned int seed);

#endif
