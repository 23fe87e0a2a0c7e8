/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 (Arm IHI0048) without security: everything in group 0, which is signalled as IRQ. */
#include "cpu.h"
#include "gic_impl.h"
#include "map.h"
#include "mmio.h"

#define GICD_CTLR	 0x000U
#define GICD_TYPER	 0x004U
#define GICD_ITARGETSR	 0x800U
#define GICD_SGIR	 0xf00U
#define GICD_SGIR_OTHERS (1U << 24)

#define GICC_CTLR 0x00U
#define GICC_PMR  0x04U
#define GICC_IAR  0x0cU
#define GICC_EOIR 0x10U

void gic_v2_init(void)
{
	mmio_write32(GICD_BASE + GICD_CTLR, 1);
}

void gic_v2_cpu_init(void)
{
	mmio_write32(GICC_BASE + GICC_PMR, 0xff);
	mmio_write32(GICC_BASE + GICC_CTLR, 1);
	dsb();
}

/* The targets of private interrupts read as the CPU that asks (IHI0048 4.3.12). */
void gic_v2_route(unsigned int intid)
{
	uint8_t self = mmio_read8(GICD_BASE + GICD_ITARGETSR);

	mmio_write8(GICD_BASE + GICD_ITARGETSR + intid, self);
}

/* An SGI's has its sender in bits 12:10. */
uint32_t gic_v2_acknowledge(void)
{
	return mmio_read32(GICC_BASE + GICC_IAR);
}

void gic_v2_end(uint32_t acknowledged)
{
	mmio_write32(GICC_BASE + GICC_EOIR, acknowledged);
	dsb();
}

void gic_v2_send_sgi(unsigned int intid, uint64_t affinity)
{
	dsb();
	mmio_write32(GICD_BASE + GICD_SGIR, 1U << (16 + (affinity & 7)) | intid);
}

void gic_v2_send_sgi_others(unsigned int intid)
{
	dsb();
	mmio_write32(GICD_BASE + GICD_SGIR, GICD_SGIR_OTHERS | intid);
}

unsigned int gic_v2_cpu_count(void)
{
	return (mmio_read32(GICD_BASE + GICD_TYPER) >> 5 & 7) + 1;
}
