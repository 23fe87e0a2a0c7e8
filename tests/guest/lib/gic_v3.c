/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 (Arm IHI0069), one security state, affinity routing, everything in group 1. */
#include "check.h"
#include "cpu.h"
#include "gic_impl.h"
#include "map.h"
#include "mmio.h"
#include "timer.h"

#define GICD_CTLR	      0x0000U
#define GICD_CTLR_ENABLE_GRP1 (1U << 1)
#define GICD_CTLR_ARE	      (1U << 4)
#define GICD_CTLR_RWP	      (1U << 31)
#define GICD_IROUTER	      0x6000U

#define GICR_FIRST_COUNT	   123U	    /* what the first region holds */
#define GICR_STRIDE		   0x20000U /* RD_base and SGI_base */
#define GICR_SGI_BASE		   0x10000U
#define GICR_TYPER		   0x0008U
#define GICR_TYPER_LAST		   (1U << 4) /* of its region */
#define GICR_TYPER_NUMBER(typer)   ((unsigned int)((typer) >> 8) & 0xffff)
#define GICR_WAKER		   0x0014U
#define GICR_WAKER_PROCESSOR_SLEEP (1U << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1U << 2)

static uintptr_t redistributor(unsigned int n)
{
	return n < GICR_FIRST_COUNT ? GICR_BASE + (uintptr_t)n * GICR_STRIDE
				    : GICR2_BASE + (uintptr_t)(n - GICR_FIRST_COUNT) * GICR_STRIDE;
}

static uint64_t typer_of(unsigned int n)
{
	return mmio_read64(redistributor(n) + GICR_TYPER);
}

/* The first region may be full and the only one: then nothing answers where the second would be. */
static bool last_redistributor(unsigned int n)
{
	if (n == MAX_CPUS - 1)
		return true;
	if (!(typer_of(n) & GICR_TYPER_LAST))
		return false;
	return n + 1 != GICR_FIRST_COUNT || GICR_TYPER_NUMBER(typer_of(n + 1)) != n + 1;
}

unsigned int gic_v3_cpu_count(void)
{
	unsigned int n = 0;

	while (!last_redistributor(n))
		n++;
	return n + 1;
}

uint64_t gic_v3_affinity(unsigned int n)
{
	uint64_t affinity = typer_of(n) >> 32;

	return (affinity & 0xffffff) | (affinity >> 24) << 32;
}

static uintptr_t own_redistributor(void)
{
	uint64_t affinity = read_sysreg(mpidr_el1) & MPIDR_AFFINITY_MASK;

	for (unsigned int n = 0;; n++) {
		if (gic_v3_affinity(n) == affinity)
			return redistributor(n);
		if (last_redistributor(n))
			panic("no redistributor for affinity 0x%lx", affinity);
	}
}

uintptr_t gic_v3_own_frame(void)
{
	return own_redistributor() + GICR_SGI_BASE;
}

void gic_v3_init(void)
{
	mmio_write32(GICD_BASE + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
	if (!wait_until(!(mmio_read32(GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP), 1000))
		panic("GICD_CTLR.RWP stays set");
}

void gic_v3_cpu_init(void)
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

void gic_v3_route(unsigned int intid)
{
	mmio_write64(GICD_BASE + GICD_IROUTER + (uintptr_t)intid * 8,
		     read_sysreg(mpidr_el1) & MPIDR_AFFINITY_MASK);
}

uint32_t gic_v3_acknowledge(void)
{
	uint32_t intid = (uint32_t)read_sysreg(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

	dsb();
	return intid;
}

void gic_v3_end(uint32_t acknowledged)
{
	write_sysreg(S3_0_C12_C12_1, acknowledged); /* ICC_EOIR1_EL1 */
	isb();
}

/* ICC_SGI1R_EL1: Aff3 55:48, IRM 40, Aff2 39:32, RS 47:44 (16 targets by range), INTID 27:24, Aff1
 * 23:16, list 15:0. */
static void send_sgi(uint64_t value)
{
	dsb();
	write_sysreg(S3_0_C12_C11_5, value);
	isb();
}

void gic_v3_send_sgi(unsigned int intid, uint64_t affinity)
{
	uint64_t aff0 = affinity & 0xff, aff1 = affinity >> 8 & 0xff;
	uint64_t aff2 = affinity >> 16 & 0xff, aff3 = affinity >> 32 & 0xff;

	send_sgi(aff3 << 48 | (aff0 >> 4) << 44 | aff2 << 32 | (uint64_t)intid << 24 | aff1 << 16 |
		 1UL << (aff0 & 0xf));
}

void gic_v3_send_sgi_others(unsigned int intid)
{
	send_sgi(1UL << 40 | (uint64_t)intid << 24);
}
