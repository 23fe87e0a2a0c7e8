/* SPDX-License-Identifier: Apache-2.0 */
/* PL031: counts seconds, takes a new time, reports a match (Arm DDI0224). */
#include "check.h"
#include "mmio.h"
#include "pl031.h"
#include "timer.h"

#define NEW_TIME  0x60000000U
#define HIGH_TIME 0xfffffff0U /* beyond 2038: unsigned */

static void wait_ms(unsigned int ms)
{
	(void)wait_until(false, ms);
}

static void check_counts(void)
{
	uint32_t before = mmio_read32(RTCDR);

	wait_ms(2100);

	uint32_t passed = mmio_read32(RTCDR) - before;

	note("RTCDR 0x%x, then %u s in 2.1 s", before, passed);
	check(passed >= 2 && passed <= 3, "RTCDR counts seconds");
}

static void check_load(uint32_t time)
{
	mmio_write32(RTCLR, time);

	uint32_t now = mmio_read32(RTCDR);

	check_eq(mmio_read32(RTCLR), time, "RTCLR reads back 0x%x", time);
	check(now - time <= 1, "RTCDR continues from 0x%x", time);
}

static void check_match(void)
{
	mmio_write32(RTCIMSC, 0);
	mmio_write32(RTCICR, 1);
	check_eq(mmio_read32(RTCRIS), 0, "RTCRIS clear");
	mmio_write32(RTCMR, mmio_read32(RTCDR) + 2);
	check(wait_until(mmio_read32(RTCRIS), 5000), "RTCRIS set at the match");
	check_eq(mmio_read32(RTCMIS), 0, "RTCMIS masked");
	mmio_write32(RTCIMSC, 1);
	check_eq(mmio_read32(RTCMIS), 1, "RTCMIS not masked");
	mmio_write32(RTCICR, 1);
	check_eq(mmio_read32(RTCRIS) | mmio_read32(RTCMIS), 0, "RTCICR clears");
}

void guest_main(void)
{
	check_eq(mmio_read32(RTCCR), 1, "RTCCR: started");
	check_counts();
	check_load(NEW_TIME);
	check_counts();
	check_load(HIGH_TIME);
	check_match();
}
