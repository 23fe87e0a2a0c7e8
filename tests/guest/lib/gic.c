/* SPDX-License-Identifier: Apache-2.0 */
#include "gic.h"

#include "check.h"
#include "cpu.h"
#include "map.h"
#include "mmio.h"
#include "timer.h"

#define GICD_CTLR	      0x0000U
#define GICD_CTLR_ENABLE_GRP1 (1U << 1)
#define GICD_CTLR_ARE	      (1U << 4)
#define GICD_CTLR_RWP	      (1U << 31)
#define GICD_IROUTER	      0x6000U

#define GICR_STRIDE		   0x20000U /* RD_base and SGI_base */
#define GICR_SGI_BASE		   0x10000U
#define GICR_TYPER		   0x0008U
#define GICR_TYPER_LAST		   (1U << 4)
#define GICR_WAKER		   0x0014U
#define GICR_WAKER_PROCESSOR_SLEEP (1U << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1U << 2)

/* At the same offset in GICD (SPIs) and in a redistributor's SGI_base frame (SGIs, PPIs). */
#define GIC_IGROUPR    0x0080U
#define GIC_ISENABLER  0x0100U
#define GIC_ISPENDR    0x0200U
#define GIC_IPRIORITYR 0x0400U
#define GIC_ICFGR      0x0c00U

#define GIC_PRIORITY	  0xa0U
#define GIC_FIRST_SPI	  32U
#define GIC_FIRST_SPECIAL 1020U

static gic_handler *volatile irq_handler;

static uintptr_t redistributor(unsigned int n)
{
	return GICR_BASE + (uintptr_t)n * GICR_STRIDE;
}

static bool last_redistributor(unsigned int n)
{
	return n == MAX_CPUS - 1 || mmio_read64(redistributor(n) + GICR_TYPER) & GICR_TYPER_LAST;
}

unsigned int gic_cpu_count(void)
{
	unsigned int n = 0;

	while (!last_redistributor(n))
		n++;
	return n + 1;
}

uint64_t gic_affinity(unsigned int n)
{
	uint64_t affinity = mmio_read64(redistributor(n) + GICR_TYPER) >> 32;

	return (affinity & 0xffffff) | (affinity >> 24) << 32;
}

static uintptr_t own_redistributor(void)
{
	uint64_t affinity = read_sysreg(mpidr_el1) & MPIDR_AFFINITY_MASK;

	for (unsigned int n = 0;; n++) {
		if (gic_affinity(n) == affinity)
			return redistributor(n);
		if (last_redistributor(n))
			panic("no redistributor for affinity 0x%lx", affinity);
	}
}

/* The frame that holds the configuration of `intid`. */
static uintptr_t frame(unsigned int intid)
{
	return intid < GIC_FIRST_SPI ? own_redistributor() + GICR_SGI_BASE : GICD_BASE;
}

static void set_bit(uintptr_t bitmap, unsigned int intid)
{
	uintptr_t word = bitmap + intid / 32 * 4;

	mmio_write32(word, mmio_read32(word) | 1U << intid % 32);
}

void gic_init(gic_handler *handler)
{
	irq_handler = handler;
	mmio_write32(GICD_BASE + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
	if (!wait_until(!(mmio_read32(GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP), 1000))
		panic("GICD_CTLR.RWP stays set");
	gic_cpu_init();
}

void gic_cpu_init(void)
{
	uintptr_t waker = own_redistributor() + GICR_WAKER;

	mmio_write32(waker, mmio_read32(waker) & ~GICR_WAKER_PROCESSOR_SLEEP);
	if (!wait_until(!(mmio_read32(waker) & GICR_WAKER_CHILDREN_ASLEEP), 1000))
		panic("GICR_WAKER.ChildrenAsleep stays set");

	write_sysreg(S3_0_C12_C12_5, 1); /* ICC_SRE_EL1.SRE: system registers */
	isb();
	write_sysreg(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1: no priority masked */
	write_sysreg(S3_0_C12_C12_4, 0);  /* ICC_CTLR_EL1: EOImode 0 */
	write_sysreg(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
	isb();
}

void gic_enable(unsigned int intid)
{
	uintptr_t base = frame(intid);

	set_bit(base + GIC_IGROUPR, intid);
	mmio_write8(base + GIC_IPRIORITYR + intid, GIC_PRIORITY);
	if (intid >= GIC_FIRST_SPI) {
		uintptr_t icfgr = base + GIC_ICFGR + intid / 16 * 4;

		mmio_write32(icfgr, mmio_read32(icfgr) & ~(2U << intid % 16 * 2));
		mmio_write64(base + GICD_IROUTER + (uintptr_t)intid * 8,
			     read_sysreg(mpidr_el1) & MPIDR_AFFINITY_MASK);
	}
	mmio_write32(base + GIC_ISENABLER + intid / 32 * 4, 1U << intid % 32);
	dsb();
}

bool gic_pending(unsigned int intid)
{
	return mmio_read32(frame(intid) + GIC_ISPENDR + intid / 32 * 4) >> intid % 32 & 1;
}

static unsigned int acknowledge(void)
{
	unsigned int intid = (unsigned int)read_sysreg(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

	dsb();
	return intid;
}

static void end(unsigned int intid)
{
	write_sysreg(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
	isb();
}

unsigned int gic_poll(void)
{
	unsigned int intid = acknowledge();

	if (intid >= GIC_FIRST_SPECIAL)
		return GIC_SPURIOUS;
	end(intid);
	return intid;
}

void gic_handle_irq(void)
{
	unsigned int intid = acknowledge();

	if (intid >= GIC_FIRST_SPECIAL)
		return;
	if (irq_handler)
		irq_handler(intid);
	end(intid);
}

/* ICC_SGI1R_EL1: Aff3 55:48, IRM 40, Aff2 39:32, RS 47:44 (16 targets by range), INTID 27:24, Aff1
 * 23:16, list 15:0. */
static void send_sgi(uint64_t value)
{
	dsb();
	write_sysreg(S3_0_C12_C11_5, value);
	isb();
}

void gic_send_sgi(unsigned int intid, uint64_t affinity)
{
	uint64_t aff0 = affinity & 0xff, aff1 = affinity >> 8 & 0xff;
	uint64_t aff2 = affinity >> 16 & 0xff, aff3 = affinity >> 32 & 0xff;

	send_sgi(aff3 << 48 | (aff0 >> 4) << 44 | aff2 << 32 | (uint64_t)intid << 24 | aff1 << 16 |
		 1UL << (aff0 & 0xf));
}

void gic_send_sgi_others(unsigned int intid)
{
	send_sgi(1UL << 40 | (uint64_t)intid << 24);
}
