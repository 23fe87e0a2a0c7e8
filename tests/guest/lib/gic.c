/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same on a GICv2 and a GICv3, and which of them this machine has. */
#include "gic.h"

#include "cpu.h"
#include "gic_impl.h"
#include "map.h"
#include "mmio.h"

#define GICD_TYPER	   0x0004U
#define GICD_TYPER_LPIS	   (1U << 17)
#define GICD_TYPER_ID_BITS (0x1fU << 19) /* never 0 on a GICv3, reserved on a GICv2 */

#define ACK_INTID(acknowledged) ((acknowledged)&0xffffffU)
#define FIRST_SPECIAL		1020U /* to 1023: nothing to handle */
#define FIRST_LPI		8192U

static gic_handler *volatile irq_handler;

/* Asked once: the register is the hypervisor's to answer, and some callers measure. */
bool gic_is_v2(void)
{
	static volatile unsigned int version;

	if (!version)
		version = mmio_read32(GICD_BASE + GICD_TYPER) & GICD_TYPER_ID_BITS ? 3 : 2;
	return version == 2;
}

bool gic_has_lpis(void)
{
	return !gic_is_v2() && mmio_read32(GICD_BASE + GICD_TYPER) & GICD_TYPER_LPIS;
}

unsigned int gic_cpu_count(void)
{
	return gic_is_v2() ? gic_v2_cpu_count() : gic_v3_cpu_count();
}

uint64_t gic_affinity(unsigned int n)
{
	return gic_is_v2() ? cpu_affinity(n) : gic_v3_affinity(n);
}

/* The frame that holds the configuration of `intid`: a GICv2's distributor banks the private ones.
 */
static uintptr_t frame(unsigned int intid)
{
	return intid >= GIC_FIRST_SPI || gic_is_v2() ? GICD_BASE : gic_v3_own_frame();
}

static void set_bit(uintptr_t bitmap, unsigned int intid)
{
	uintptr_t word = bitmap + intid / 32 * 4;

	mmio_write32(word, mmio_read32(word) | 1U << intid % 32);
}

void gic_init(gic_handler *handler)
{
	irq_handler = handler;
	if (gic_is_v2())
		gic_v2_init();
	else
		gic_v3_init();
	gic_cpu_init();
}

void gic_cpu_init(void)
{
	if (gic_is_v2())
		gic_v2_cpu_init();
	else
		gic_v3_cpu_init();
}

static void set_trigger(uintptr_t base, unsigned int intid, bool edge)
{
	uintptr_t icfgr = base + GIC_ICFGR + intid / 16 * 4;
	uint32_t bit = 2U << intid % 16 * 2;

	mmio_write32(icfgr, (mmio_read32(icfgr) & ~bit) | (edge ? bit : 0));
}

static void enable(unsigned int intid, bool edge)
{
	uintptr_t base = frame(intid);

	if (!gic_is_v2())
		set_bit(base + GIC_IGROUPR, intid);
	mmio_write8(base + GIC_IPRIORITYR + intid, GIC_PRIORITY);
	if (intid >= GIC_FIRST_SPI) {
		set_trigger(base, intid, edge);
		if (gic_is_v2())
			gic_v2_route(intid);
		else
			gic_v3_route(intid);
	}
	mmio_write32(base + GIC_ISENABLER + intid / 32 * 4, 1U << intid % 32);
	dsb();
}

void gic_enable(unsigned int intid)
{
	enable(intid, false);
}

void gic_enable_edge(unsigned int intid)
{
	enable(intid, true);
}

bool gic_pending(unsigned int intid)
{
	return mmio_read32(frame(intid) + GIC_ISPENDR + intid / 32 * 4) >> intid % 32 & 1;
}

static uint32_t acknowledge(void)
{
	return gic_is_v2() ? gic_v2_acknowledge() : gic_v3_acknowledge();
}

static void end(uint32_t acknowledged)
{
	if (gic_is_v2())
		gic_v2_end(acknowledged);
	else
		gic_v3_end(acknowledged);
}

/* A GICv2's acknowledge has an SGI's sender above the INTID. */
static unsigned int intid_of(uint32_t acknowledged)
{
	return gic_is_v2() ? acknowledged & 0x3ff : ACK_INTID(acknowledged);
}

static bool is_special(unsigned int intid)
{
	return intid >= FIRST_SPECIAL && intid < FIRST_LPI;
}

unsigned int gic_poll(void)
{
	uint32_t acknowledged = acknowledge();

	if (is_special(intid_of(acknowledged)))
		return GIC_SPURIOUS;
	end(acknowledged);
	return intid_of(acknowledged);
}

void gic_handle_irq(void)
{
	uint32_t acknowledged = acknowledge();

	if (is_special(intid_of(acknowledged)))
		return;
	if (irq_handler)
		irq_handler(intid_of(acknowledged));
	end(acknowledged);
}

void gic_send_sgi(unsigned int intid, uint64_t affinity)
{
	if (gic_is_v2())
		gic_v2_send_sgi(intid, affinity);
	else
		gic_v3_send_sgi(intid, affinity);
}

void gic_send_sgi_others(unsigned int intid)
{
	if (gic_is_v2())
		gic_v2_send_sgi_others(intid);
	else
		gic_v3_send_sgi_others(intid);
}
