/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for tests of the block service: memory with edges, two vCPUs that call by the
 * simulated backend, disks of the fake block layer, and a driver's view of one queue.
 */
#ifndef ARCVISOR_TESTS_BLK_RIG_H
#define ARCVISOR_TESTS_BLK_RIG_H

#include "backend/sim.h"
#include "fake_block.h"
#include "hvc/hvc_blk.h"

/* LOW and HIGH touch; after HIGH there is a hole. */
#define LOW_BASE  0x40000000ull
#define LOW_SIZE  0x100000ull
#define HIGH_BASE (LOW_BASE + LOW_SIZE)
#define HIGH_SIZE 0x10000ull
#define RAM_END	  (HIGH_BASE + HIGH_SIZE)

/* Places that the helpers use. */
#define CONFIG_GPA (LOW_BASE + 0x1000)
#define CALL_GPA   (LOW_BASE + 0x1800)
#define RINGS_GPA  (LOW_BASE + 0x10000) /* queue n: + n * RINGS_STEP */
#define RINGS_STEP 0x8000ull
#define TABLE_GPA  (LOW_BASE + 0x8000)
#define DATA_GPA   (LOW_BASE + 0x80000)

#define RIG_VCPUS     2u
#define RIG_SECTORS   2048u
#define DISK_PLAIN    0u
#define DISK_RO	      1u
#define DISK_4K	      2u /* 4096-byte blocks */
#define RIG_DISKS     3u
#define RIG_FIRST_SPI 40u

struct blk_rig {
	struct gmem mem;
	struct backend_vm *vm;
	struct backend_vcpu *vcpus[RIG_VCPUS];
	struct irq_line lines[RIG_VCPUS];
	struct disk *disks[RIG_DISKS];
	struct smccc_table table;
	struct hvc_blk *blk;
	struct vcpu_regs regs; /* after the latest call */
	unsigned int nr_ret;   /* registers that it wrote */
};

extern struct blk_rig rig;

void rig_init(void);
void rig_fini(void);

/* vCPU @vcpu calls by HVC (rig_call) or SMC: X0 afterwards. */
int64_t rig_call_by(bool is_smc, unsigned int vcpu, uint32_t fid, uint64_t x1, uint64_t x2,
		    uint64_t x3, uint64_t x4);
int64_t rig_call(unsigned int vcpu, uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
		 uint64_t x4);

/* A call without arguments: 0 where X0 came back as it was, else what is in it. */
int64_t rig_ring(unsigned int vcpu, uint32_t fid);

/* Host bytes of guest memory. */
void *rig_mem(gpa_t gpa, uint64_t len);

/* How many interrupts vCPU @vcpu got since the last time this was asked. */
unsigned int rig_interrupts(unsigned int vcpu);

/* What a driver knows of its queue. */
struct rig_queue {
	unsigned int vcpu, slot;
	int64_t id;
	struct hvc_blk_queue_config config;
	struct hvc_blk_header *header;
	struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;
};

/* A configuration that is right, of a queue of @disk in slot @slot of the memory. */
struct hvc_blk_queue_config rig_config(unsigned int vcpu, unsigned int slot, unsigned int disk);

/* QUEUE_SETUP as @config says, by @vcpu; its answer. */
int64_t rig_setup(unsigned int vcpu, const struct hvc_blk_queue_config *config);

/* Sets up and enables one: 16 requests, 32 completions. */
void rig_open(struct rig_queue *queue, unsigned int vcpu, unsigned int slot, unsigned int disk,
	      unsigned int flags);

/* Puts a request into the ring; the doorbell is not rung. */
void rig_put(struct rig_queue *queue, const struct hvc_blk_sqe *sqe);
void rig_put_rw(struct rig_queue *queue, unsigned int op, unsigned int tag, uint64_t sector,
		gpa_t gpa, uint32_t bytes);
int64_t rig_doorbell(struct rig_queue *queue);
int64_t rig_reap(struct rig_queue *queue);

/* Takes the next completion, if there is one. */
bool rig_get(struct rig_queue *queue, struct hvc_blk_cqe *cqe);

/* Puts @sqe, rings, takes the completion: its status. */
unsigned int rig_do(struct rig_queue *queue, const struct hvc_blk_sqe *sqe);

#endif
