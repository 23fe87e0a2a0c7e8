/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt translation service (Arm IHI0069 5): a device's events become LPIs by commands in a
 * queue, and the INT command stands for the device's write. Needs no device.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "map.h"
#include "mmio.h"
#include "timer.h"

#define GITS_CTLR    0x0000U
#define GITS_TYPER   0x0008U
#define GITS_CBASER  0x0080U
#define GITS_CWRITER 0x0088U
#define GITS_CREADR  0x0090U
#define GITS_BASER   0x0100U
#define GITS_BASERS  8U
#define GITS_PTA     (1UL << 19) /* of TYPER: targets are addresses */

#define BASER_VALID   (1UL << 63)
#define BASER_TYPE(v) ((unsigned int)((v) >> 56) & 7) /* 0: not there */

#define GICR_STRIDE    0x20000UL
#define GICR_CTLR      0x0000U
#define GICR_PROPBASER 0x0070U
#define GICR_PENDBASER 0x0078U
#define PENDBASER_PTZ  (1UL << 62) /* the table is all zero */

#define FIRST_LPI  8192U
#define LPI_BITS   14U /* INTIDs 0 to 16383 */
#define NR_LPIS	   ((1U << LPI_BITS) - FIRST_LPI)
#define LPI_ENABLE 1U
#define PRIORITY   0xa0U

#define TABLE_SIZE 0x10000U
#define DEVICE	   7UL
#define EVENT_BITS 2U
#define VALID	   (1UL << 63)

enum { CMD_MOVI = 1, CMD_INT = 3, CMD_SYNC = 5, CMD_MAPD = 8, CMD_MAPC, CMD_MAPTI, CMD_INV = 12 };

struct command {
	uint64_t dw[4];
};

#define PAGES_64K _Alignas(TABLE_SIZE) static volatile uint8_t

PAGES_64K tables[GITS_BASERS][TABLE_SIZE];
PAGES_64K pending[2][TABLE_SIZE];
PAGES_64K properties[NR_LPIS];
PAGES_64K itt[4096];
_Alignas(TABLE_SIZE) static volatile struct command queue[TABLE_SIZE / sizeof(struct command)];

static unsigned int queued;
static volatile unsigned int taken[2][4]; /* CPU, event; each row written by its CPU only */
static volatile unsigned int strays;
static volatile bool ready;

/* The MMU is off, so our stores pass the caches that the hypervisor reads through. */
static void push(const volatile void *from, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += 16)
		asm volatile("dc civac, %0" : : "r"((uintptr_t)from + at) : "memory");
	dsb();
}

static void on_irq(unsigned int intid)
{
	if (intid >= FIRST_LPI && intid < FIRST_LPI + 4)
		taken[cpu_id()][intid - FIRST_LPI]++;
	else
		strays++;
}

static bool issue(struct command command)
{
	volatile struct command *slot = &queue[queued];
	uint64_t next = (queued + 1) * sizeof(struct command);

	for (unsigned int i = 0; i < 4; i++)
		slot->dw[i] = command.dw[i];
	push(slot, sizeof(*slot));
	queued++;
	mmio_write64(ITS_BASE + GITS_CWRITER, next);
	return wait_until(mmio_read64(ITS_BASE + GITS_CREADR) == next, 1000);
}

static bool issue_event(unsigned int command, uint64_t event, uint64_t dw2)
{
	return issue((struct command){ { command | DEVICE << 32, event, dw2 } });
}

static uint64_t target(unsigned int cpu)
{
	uint64_t typer = mmio_read64(ITS_BASE + GITS_TYPER);

	return typer & GITS_PTA ? GICR_BASE + cpu * GICR_STRIDE : (uint64_t)cpu << 16;
}

static void enable_lpis(unsigned int cpu)
{
	uintptr_t redist = GICR_BASE + cpu * GICR_STRIDE;

	mmio_write64(redist + GICR_PROPBASER, (uintptr_t)properties | (LPI_BITS - 1));
	mmio_write64(redist + GICR_PENDBASER, (uintptr_t)pending[cpu] | PENDBASER_PTZ);
	mmio_write32(redist + GICR_CTLR, 1);
	dsb();
}

static void give_tables(void)
{
	for (unsigned int i = 0; i < GITS_BASERS; i++) {
		uintptr_t baser = ITS_BASE + GITS_BASER + 8 * i;

		if (!BASER_TYPE(mmio_read64(baser)))
			continue;
		mmio_write64(baser, BASER_VALID | (uintptr_t)tables[i] | 2UL << 8); /* 64 KiB */
		check(mmio_read64(baser) & BASER_VALID, "table %u taken", i);
	}
	mmio_write64(ITS_BASE + GITS_CBASER,
		     BASER_VALID | (uintptr_t)queue | (TABLE_SIZE / 4096 - 1));
	mmio_write64(ITS_BASE + GITS_CWRITER, 0);
	mmio_write32(ITS_BASE + GITS_CTLR, 1);
}

static void setup(void)
{
	for (unsigned int i = 0; i < 4; i++)
		properties[i] = PRIORITY | LPI_ENABLE;
	push(properties, sizeof(properties));
	gic_init(on_irq);
	enable_lpis(0);
	give_tables();
	check(issue((struct command){ { CMD_MAPC, 0, VALID | target(0) } }), "MAPC to cpu0");
	check(issue_event(CMD_MAPD, EVENT_BITS - 1, VALID | (uintptr_t)itt), "MAPD");
	for (uint64_t event = 0; event < 4; event++)
		check(issue_event(CMD_MAPTI, (FIRST_LPI + event) << 32 | event, 0), "MAPTI %lu",
		      event);
	check(issue((struct command){ { CMD_SYNC, 0, target(0) } }), "SYNC");
}

/* The event's LPI comes to `cpu` once more, and nowhere else. */
static void check_event(unsigned int cpu, unsigned int event)
{
	unsigned int want = taken[cpu][event] + 1, other = taken[!cpu][event];

	check(issue_event(CMD_INT, event, 0), "INT %u", event);
	check(wait_until(taken[cpu][event] >= want, 1000), "event %u came to cpu%u", event, cpu);
	check_eq(taken[cpu][event], want, "event %u once", event);
	check_eq(taken[!cpu][event], other, "event %u not to cpu%u", event, !cpu);
}

static void secondary(unsigned int cpu)
{
	gic_cpu_init();
	enable_lpis(cpu);
	irq_enable();
	ready = true;
	for (;;)
		wfi();
}

static void check_move(void)
{
	if (gic_cpu_count() < 2) {
		skip("MOVI", "one CPU");
		return;
	}
	cpu_start(1, secondary, 0);
	check(wait_until(ready, 10000), "cpu1 ready");
	check(issue((struct command){ { CMD_MAPC, 0, VALID | target(1) | 1 } }), "MAPC to cpu1");
	check(issue_event(CMD_MOVI, 2, 1), "MOVI 2");
	check_event(1, 2);
	check_event(0, 1);
}

/* Commands about what is not mapped are passed over, and the queue goes on. */
static void check_unmapped(void)
{
	unsigned int before = taken[0][0] + taken[1][0];

	check(issue((struct command){ { CMD_INT | 99UL << 32, 0 } }), "INT of no device");
	check(issue_event(CMD_INT, 77, 0), "INT of no event");
	check(issue((struct command){ { 0xee, ~0UL, ~0UL, ~0UL } }), "no command");
	check(issue_event(CMD_MAPD, 0, 0), "MAPD unmaps");
	check(issue_event(CMD_INT, 0, 0), "INT of what was unmapped");
	check_eq(taken[0][0] + taken[1][0], before, "no LPI of what was unmapped");
}

void guest_main(void)
{
	if (!gic_has_lpis()) {
		skip("all", "no ITS");
		return;
	}
	setup();
	irq_enable();
	for (unsigned int event = 0; event < 4; event++)
		check_event(0, event);
	check_event(0, 0);
	check_move();
	check_unmapped();
	irq_disable();
	check_eq(strays, 0, "no other interrupt");
}
