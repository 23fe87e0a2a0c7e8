/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall disks by a driver that means harm: calls whose arguments are right but for one or
 * two, queues wherever they fit, rings of half-sane requests, doorbells of any queue. Meanwhile a
 * second CPU, where there is one, scribbles over all that the host may be reading. By hypercalls
 * and by loads and stores; where the host takes no hypercalls, by the latter alone. Disks: see
 * lib/hvcblk.h.
 *
 * What the host is asked to write lies in the upper half of the 64 MiB, away from this program.
 */
#include "check.h"
#include "cpu.h"
#include "hostile.h"
#include "hvcblk.h"
#include "map.h"
#include "mmio.h"
#include "mmu.h"
#include "smccc.h"

#define WINDOW	    0x0b000000UL
#define ARENA	    (RAM_BASE + 0x2000000UL)
#define ARENA_SIZE  0x20000UL /* little, so that much is hit twice */
#define OURS	    (RAM_BASE - 0x100000UL)
#define MOST_RING   64U
#define MOST_QUEUES 24U
#define STEPS	    1200U /* a round */
#define PATIENCE    100000U

static struct hvcblk_queue last; /* the one that must work in the end */
static struct hvc_blk_mmio_call block;
static struct {
	uint64_t id, header, sq;
	uint32_t entries;
} queues[MOST_QUEUES];
static unsigned int nr_queues, accepted, rung;
static bool by_hvc;

/* One time in @n. */
static bool rarely(unsigned int n)
{
	return !hostile_below(n);
}

/* Anything, but no address that leads to this program. */
static uint64_t garbage(void)
{
	uint64_t value = hostile_value();

	return value >= OURS && value < ARENA ? value + (ARENA - OURS) : value;
}

static uint64_t place(void)
{
	return ARENA + (hostile_below(ARENA_SIZE) & ~63UL);
}

static uint64_t address(void)
{
	return rarely(8) ? garbage() : place();
}

static uint64_t mostly(uint64_t right)
{
	return rarely(12) ? garbage() : right;
}

static int64_t call_by_block(uint32_t function, const uint64_t x[4])
{
	block = (struct hvc_blk_mmio_call){ .function = function, .x = { x[0], x[1], x[2], x[3] } };
	dsb();
	mmio_write64(WINDOW + HVC_BLK_MMIO_CALL, (uintptr_t)&block);
	dsb();
	return (int64_t) * (volatile hvc_le64 *)&block.ret[0];
}

static int64_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	struct smccc_regs regs = { .x = { function, x1, x2, x3, x4 } };

	if (!by_hvc || rarely(2))
		return call_by_block(function, (const uint64_t[4]){ x1, x2, x3, x4 });
	smccc_hvc(&regs);
	return (int64_t)regs.x[0];
}

static uint64_t disk(void)
{
	return mostly(hostile_below(DISK_COUNT));
}

static void transfer(void)
{
	uint32_t function = rarely(2) ? HVC_BLK_READ : HVC_BLK_WRITE;
	uint64_t bytes = HVC_BLK_SECTOR * (1 + hostile_below(64));

	accepted += call(function, disk(), mostly(hostile_below(DISK_SECTORS)), address(),
			 mostly(bytes)) > 0;
}

static void ask(void)
{
	static const uint16_t functions[] = {
		HVC_BLK_PROBE & 0xffff,	  HVC_BLK_FLUSH & 0xffff,    HVC_BLK_CAPACITY & 0xffff,
		HVC_BLK_VERSION & 0xffff, HVC_BLK_DEV_INFO & 0xffff, HVC_BLK_GET_ID & 0xffff,
	};
	uint32_t function = functions[hostile_below(sizeof(functions) / sizeof(functions[0]))];

	call(HVC_BLK_FN_BASE + function, disk(), address(), mostly(256), garbage());
}

static uint64_t queue(void)
{
	return nr_queues ? mostly(queues[hostile_below(nr_queues)].id) : garbage();
}

static void control(void)
{
	call(HVC_BLK_QUEUE_CTRL, queue(), mostly(1 + hostile_below(3)), garbage(), garbage());
}

static void remember(uint64_t id, const struct hvc_blk_queue_config *config)
{
	if (nr_queues == MOST_QUEUES) {
		call(HVC_BLK_QUEUE_CTRL, id, HVC_BLK_CTRL_FREE, 0, 0);
		return;
	}
	queues[nr_queues].id = id;
	queues[nr_queues].header = config->header;
	queues[nr_queues].sq = config->sq;
	queues[nr_queues++].entries = config->sq_entries;
}

/* The disk that serves version 1 is seldom given a queue: it would serve no more. */
static void set_up(void)
{
	const struct hvc_blk_queue_config config = {
		.dev = (uint16_t)mostly(rarely(2) ? DISK_PLAIN : DISK_4K),
		.flags = (uint16_t)mostly(hostile_below(8)),
		.sq_entries = (uint32_t)mostly(1U << hostile_below(7)),
		.cq_entries = (uint32_t)mostly(MOST_RING),
		.irq = (uint32_t)mostly(0),
		.header = address(),
		.sq = address(),
		.cq = address(),
		.vcpu = (uint32_t)mostly(0),
	};
	uint64_t at = place();
	int64_t id;

	*(struct hvc_blk_queue_config *)at = config;
	dsb();
	id = call(HVC_BLK_QUEUE_SETUP, mostly(at), mostly(sizeof(config)), 0, 0);
	if (id < 0 || id >= (int64_t)HVC_BLK_MAX_QUEUES)
		return;
	accepted++;
	call(HVC_BLK_QUEUE_CTRL, (uint64_t)id, HVC_BLK_CTRL_ENABLE, 0, 0);
	remember((uint64_t)id, &config);
}

static void put_request(volatile struct hvc_blk_sqe *sqe)
{
	uint32_t sectors = (uint32_t)(8 * (1 + hostile_below(4)));

	sqe->op = (uint8_t)mostly(1 + hostile_below(5));
	sqe->flags = (uint8_t)(rarely(4) ? hostile_random() : 0);
	sqe->tag = (uint16_t)hostile_random();
	sqe->nseg = (uint16_t)mostly(1 + hostile_below(2));
	sqe->sector = mostly(hostile_below(DISK_SECTORS) & ~7UL);
	sqe->nr_sectors = (uint32_t)mostly(sectors);
	for (unsigned int i = 0; i < 2; i++) {
		sqe->seg[i].gpa = address();
		sqe->seg[i].len = (uint32_t)mostly(HVC_BLK_SECTOR * sectors / sqe->nseg);
		sqe->seg[i].reserved = 0;
	}
}

/* Requests in a ring, and indexes that move on. What the second CPU changed is not looked at. */
static void fill(void)
{
	volatile struct hvc_blk_header *header;
	uint32_t i, tail;

	if (!nr_queues)
		return;
	i = (uint32_t)hostile_below(nr_queues);
	header = (volatile struct hvc_blk_header *)queues[i].header;
	tail = header->sq_head;
	for (uint64_t n = hostile_below(5); n && queues[i].entries; n--, tail++)
		put_request((volatile struct hvc_blk_sqe *)(queues[i].sq +
							    64 * (tail % queues[i].entries)));
	header->wait_us = (uint32_t)hostile_below(50);
	header->cq_head = (uint32_t)mostly(header->cq_tail);
	header->sq_tail = (uint32_t)mostly(tail);
	dsb();
}

static void ring(void)
{
	static const uint16_t doorbells[] = { HVC_BLK_DOORBELL & 0xffff, HVC_BLK_REAP & 0xffff,
					      HVC_BLK_DOORBELL_WAIT & 0xffff,
					      HVC_BLK_WAKEUP & 0xffff };
	uint64_t id = queue() % HVC_BLK_MAX_QUEUES;
	uintptr_t at = WINDOW + 8 * id + (rarely(2) ? HVC_BLK_MMIO_REAP : 0);

	if (rarely(2))
		call(HVC_BLK_FN_BASE + doorbells[hostile_below(4)] + (uint32_t)id, garbage(), 0, 0,
		     0);
	else if (rarely(2))
		mmio_write32(at, (uint32_t)garbage());
	else
		rung += (int32_t)mmio_read64(at) == 0;
}

static void one_round(void)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		switch (hostile_below(10)) {
		case 0:
			transfer();
			break;
		case 1:
			ask();
			break;
		case 2:
			control();
			break;
		case 3:
			set_up();
			break;
		case 4:
		case 5:
		case 6:
			fill();
			break;
		default:
			ring();
		}
	}
	while (nr_queues)
		call(HVC_BLK_QUEUE_CTRL, queues[--nr_queues].id, HVC_BLK_CTRL_FREE, 0, 0);
}

/* Slowly enough for much of what the first CPU writes to be read as it was meant. */
static void scribble(unsigned int cpu)
{
	(void)cpu;
	mmu_enable();
	for (;;) {
		*(volatile uint64_t *)(ARENA + (hostile_below(ARENA_SIZE) & ~7UL)) = garbage();
		for (uint64_t n = hostile_below(1000); n; n--)
			asm volatile("yield");
	}
}

static bool flushes(void)
{
	const struct hvc_blk_sqe sqe = { .op = HVC_BLK_OP_FLUSH, .tag = 7 };
	struct hvc_blk_cqe cqe = { 0 };
	int64_t id;

	hvcblk_configure(&last, DISK_PLAIN, 0);
	dsb();
	id = call(HVC_BLK_QUEUE_SETUP, (uintptr_t)&last.config, sizeof(last.config), 0, 0);
	if (id < 0 || call(HVC_BLK_QUEUE_CTRL, (uint64_t)id, HVC_BLK_CTRL_ENABLE, 0, 0))
		return false;
	hvcblk_put(&last, &sqe);
	mmio_read64(WINDOW + 8 * (uint64_t)id);
	for (unsigned int i = 0; i < PATIENCE && !hvcblk_get(&last, &cqe); i++)
		mmio_read64(WINDOW + HVC_BLK_MMIO_REAP + 8 * (uint64_t)id);
	return cqe.tag == 7 && cqe.status == HVC_BLK_OK;
}

void guest_main(void)
{
	struct smccc_regs regs = { .x = { HVC_BLK_VERSION } };

	smccc_hvc(&regs);
	by_hvc = regs.x[0] == HVC_BLK_VERSION_2_0;
	hostile_begin();
	cpu_start(1, scribble, 0);
	mmu_enable();
	do
		one_round();
	while (hostile_round());
	note("%u calls, %u doorbells were accepted", accepted, rung);
	check(accepted > 100 && rung > 100, "many were accepted");
	check(flushes(), "an honest queue works in the end");
}
