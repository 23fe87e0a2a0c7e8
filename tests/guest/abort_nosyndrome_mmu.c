/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores without a syndrome, and sign-extending loads, by code that is found through
 * stage 1 tables alone: in the low half of the address space by 1 GiB blocks, in the high half by
 * 2 MiB blocks, with devices behind blocks and behind pages.
 */
#include "check.h"
#include "mmio.h"
#include "mmu.h"
#include "nosyndrome.h"
#include "pl031.h"

static __attribute__((noinline)) void check_space(const char *where, uintptr_t offset)
{
	uintptr_t match = offset + RTCMR;

	check_nosyndrome(where, offset + UART_BASE, offset + RTC_BASE);
	mmio_write32(match, 0x87658081);
	check_eq(MMIO_LOAD(15, "ldrsb", "w15", match), 0xffffff81, "%s: ldrsb w15", where);
	check_eq(MMIO_LOAD(15, "ldrsw", "x15", match), 0xffffffff87658081, "%s: ldrsw x15", where);
	check_eq(MMIO_LOAD(15, "ldr", "w15", match), 0x87658081, "%s: ldr w15", where);
}

/* The same instructions at their other address: nothing in them knows where they run. */
static void check_high(void)
{
	void (*volatile high)(const char *, uintptr_t) =
		(void (*)(const char *, uintptr_t))((uintptr_t)check_space + MMU_HIGH);

	high("high half", MMU_HIGH);
}

void guest_main(void)
{
	mmu_enable();
	check_space("low half", 0);
	check_high();
}
