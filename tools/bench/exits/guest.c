/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what each kind of exit costs, by the virtual counter. A line for each:
 *
 *   exit NAME rounds=N ticks=T frequency=HZ
 *
 * T is for N rounds, with the cost of the loop itself taken off. Where the emulated host counts
 * instructions, a tick is a fixed number of them. Runs on any VMM whose map is that of QEMU's virt
 * machine with a GICv3; what the machine lacks is left out.
 */
#include "abi/hvc_blk.h"
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hvcblk.h"
#include "map.h"
#include "mmio.h"
#include "pl011.h"
#include "pl031.h"
#include "psci.h"
#include "smccc.h"
#include "timer.h"

#define ROUNDS	     1000U
#define IPI_ROUNDS   200U
#define TIMER_ROUNDS 50U
#define TIMER_MS     1U

#define SGI_PING 1U
#define SGI_SELF 2U

#define SERVICE_UNKNOWN 0xc200fff0U
#define GICD_TYPER	(GICD_BASE + 0x4)
#define QUEUE_DISK	1U /* the first is for version 1 */

/* Windows of virtio-mmio, and registers in them (virtio 1.2, 4.2.2). */
#define VIRTIO_BASE	   0x0a000000UL
#define VIRTIO_STRIDE	   0x200UL
#define VIRTIO_WINDOWS	   32U
#define VIRTIO_MAGIC	   0x74726976U
#define VIRTIO_BLOCK	   2U
#define VIRTIO_QUEUE_SIZE  8U
#define VIRTIO_STATUS_ALL  0xfU /* ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK */
#define VIRTIO_STATUS_INIT 0xbU /* all but DRIVER_OK */

static volatile unsigned int pings, selfs, raised;
static volatile uint64_t timer_seen;
static volatile bool finished, second_ready;

static uint8_t block[4096] __attribute__((aligned(4096)));
static int64_t transferred;

static struct hvcblk_queue queue;
static uintptr_t window; /* of a virtio disk */
/* Of that disk's queue: descriptors, driver's ring, device's ring; nothing is ever in it. */
static uint8_t virtqueue[3][256] __attribute__((aligned(256)));

static void call(uint32_t function)
{
	register uint64_t x0 asm("x0") = function;

	asm volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
}

static void nothing(void)
{
}

static void probe(void)
{
	call(HVC_BLK_PROBE);
}

/* 4 KiB by version 1 of the block ABI. */
static void transfer(uint32_t function)
{
	struct smccc_regs regs = { .x = { function, 0, 0, (uintptr_t)block, sizeof(block) } };

	smccc_hvc(&regs);
	transferred = (int64_t)regs.x[0];
}

static void blk_v1_read(void)
{
	transfer(HVC_BLK_READ);
}

static void blk_v1_write(void)
{
	transfer(HVC_BLK_WRITE);
}

/* Version 2: a bell for a queue in which there is nothing. */
static void doorbell(void)
{
	call(HVC_BLK_DOORBELL + queue.id);
}

/* The same of virtio, whose bell is an eventfd in the kernel that wakes a thread. */
static void kick(void)
{
	mmio_write32(window + 0x50, 0);
}

/* The VMM raises its UART's line, and lowers it in the handler: two exits, one interrupt. */
static void device_irq(void)
{
	unsigned int want = raised + 1;

	mmio_write32(UARTIMSC, UART_INT_TX);
	irq_enable();
	while (raised != want)
		;
	irq_disable();
}

static void unknown(void)
{
	call(SERVICE_UNKNOWN);
}

static void psci_version(void)
{
	call(PSCI_VERSION);
}

static void smccc_version(void)
{
	call(SMCCC_VERSION);
}

static void mmio_read(void)
{
	mmio_read32(RTCMR);
}

static void mmio_write(void)
{
	mmio_write32(UARTIBRD, 1);
}

static void mmio_kernel(void)
{
	mmio_read32(GICD_TYPER);
}

static void self_sgi(void)
{
	unsigned int want = selfs + 1;

	gic_send_sgi(SGI_SELF, cpu_affinity(0));
	irq_enable();
	while (selfs != want)
		;
	irq_disable();
}

/*
 * There and back, both out of WFI: the other CPU answers with the same SGI. Nobody spins, because
 * where the emulated host counts instructions its processors take turns, and a spinning one would
 * be measured to the end of its turn.
 */
static void ping(void)
{
	unsigned int want = pings + 1;

	gic_send_sgi(SGI_PING, cpu_affinity(1));
	while (pings != want) {
		wfi();
		irq_enable();
		irq_disable();
	}
}

static void report(const char *name, unsigned int rounds, uint64_t ticks)
{
	print("exit %s rounds=%u ticks=%lu frequency=%lu\n", name, rounds, ticks,
	      read_sysreg(cntfrq_el0));
}

static uint64_t run(unsigned int rounds, void (*action)(void))
{
	uint64_t begin = timer_now();

	for (unsigned int i = 0; i < rounds; i++)
		action();
	return timer_now() - begin;
}

static void measure(const char *name, unsigned int rounds, void (*action)(void))
{
	uint64_t loop, ticks;

	action(); /* page tables, caches of the host */
	loop = run(rounds, nothing);
	ticks = run(rounds, action);
	report(name, rounds, ticks > loop ? ticks - loop : 0);
}

static void on_irq(unsigned int intid)
{
	if (intid == INTID_VTIMER) {
		timer_seen = timer_now();
		vtimer_stop();
	} else if (intid == SGI_SELF) {
		selfs++;
	} else if (intid == INTID_UART) {
		mmio_write32(UARTIMSC, 0);
		raised++;
	} else if (cpu_id() == 0) {
		pings++;
	} else {
		gic_send_sgi(SGI_PING, cpu_affinity(0));
	}
}

/* From the moment the timer was set for, to the first instruction of its handler, out of WFI. */
static void measure_wfi(void)
{
	uint64_t late = 0;

	gic_enable(INTID_VTIMER);
	for (unsigned int i = 0; i < TIMER_ROUNDS; i++) {
		uint64_t due = vtimer_arm(TIMER_MS);

		timer_seen = 0;
		while (!timer_seen) {
			wfi();
			irq_enable();
			irq_disable();
		}
		late += timer_seen - due;
	}
	report("timer_out_of_wfi", TIMER_ROUNDS, late);
}

static void second(unsigned int cpu)
{
	(void)cpu;
	gic_cpu_init();
	gic_enable(SGI_PING);
	second_ready = true;
	while (!finished) {
		wfi();
		irq_enable();
		irq_disable();
	}
}

static void measure_ipi(void)
{
	if (gic_cpu_count() < 2)
		return;
	cpu_start(1, second, 0);
	if (!check(wait_until(second_ready, 1000), "second CPU"))
		return;
	measure("ipi_out_of_wfi_and_back", IPI_ROUNDS, ping);
	finished = true;
	ping();
}

static void measure_disk(void)
{
	struct smccc_regs regs = { .x = { HVC_BLK_PROBE } };

	smccc_hvc(&regs);
	if ((int64_t)regs.x[0] <= 0)
		return; /* no disk, or a VMM without them */
	measure("blk_v1_read", ROUNDS, blk_v1_read);
	check_eq((uint64_t)transferred, sizeof(block), "read by version 1");
	measure("blk_v1_write", ROUNDS, blk_v1_write);
	check_eq((uint64_t)transferred, sizeof(block), "write by version 1");
}

static void measure_doorbell(void)
{
	struct smccc_regs regs = { .x = { HVC_BLK_QUEUE_SETUP, (uintptr_t)&queue.config,
					  sizeof(queue.config) } };

	hvcblk_configure(&queue, QUEUE_DISK, 0);
	smccc_hvc(&regs);
	if ((int64_t)regs.x[0] < 0)
		return;
	queue.id = (uint32_t)regs.x[0];
	regs = (struct smccc_regs){ .x = { HVC_BLK_QUEUE_CTRL, queue.id, HVC_BLK_CTRL_ENABLE } };
	smccc_hvc(&regs);
	if (check_eq(regs.x[0], 0, "a queue of version 2"))
		measure("hvc_doorbell", ROUNDS, doorbell);
}

/* Where nothing answers, a VMM may end the guest: windows come one after another. */
static bool find_virtio_disk(void)
{
	for (unsigned int i = 0; i < VIRTIO_WINDOWS; i++) {
		window = VIRTIO_BASE + i * VIRTIO_STRIDE;
		if (mmio_read32(window) != VIRTIO_MAGIC)
			return false;
		if (mmio_read32(window + 0x8) == VIRTIO_BLOCK)
			return true;
	}
	return false;
}

static void measure_kick(void)
{
	if (!find_virtio_disk())
		return;
	mmio_write32(window + 0x70, 0);
	mmio_write32(window + 0x70, 0x3);
	mmio_write32(window + 0x24, 1); /* VIRTIO_F_VERSION_1, bit 32 */
	mmio_write32(window + 0x20, 1);
	mmio_write32(window + 0x70, VIRTIO_STATUS_INIT);
	mmio_write32(window + 0x30, 0);
	mmio_write32(window + 0x38, VIRTIO_QUEUE_SIZE);
	for (unsigned int i = 0; i < 3; i++) {
		mmio_write32(window + 0x80 + i * 0x10, (uint32_t)(uintptr_t)virtqueue[i]);
		mmio_write32(window + 0x84 + i * 0x10, (uint32_t)((uintptr_t)virtqueue[i] >> 32));
	}
	mmio_write32(window + 0x44, 1);
	mmio_write32(window + 0x70, VIRTIO_STATUS_ALL);
	measure("ioeventfd", ROUNDS, kick);
	check_eq(mmio_read32(window + 0x70), VIRTIO_STATUS_ALL, "a virtio disk");
	mmio_write32(window + 0x70, 0);
}

void guest_main(void)
{
	gic_init(on_irq);
	gic_enable(SGI_PING);
	gic_enable(SGI_SELF);
	gic_enable(INTID_UART);

	measure("hvc_kernel", ROUNDS, smccc_version);
	measure("psci_version", ROUNDS, psci_version);
	measure("hvc_service", ROUNDS, probe);
	measure("hvc_unknown", ROUNDS, unknown);
	measure("mmio_kernel", ROUNDS, mmio_kernel);
	measure("mmio_read", ROUNDS, mmio_read);
	measure("mmio_write", ROUNDS, mmio_write);
	measure("self_sgi", ROUNDS, self_sgi);
	measure("device_irq", ROUNDS, device_irq);
	measure_disk();
	measure_doorbell();
	measure_kick();
	measure_wfi();
	measure_ipi();
}
