/* SPDX-License-Identifier: Apache-2.0 */
/* Identification registers of PL011 (Arm DDI0183), PL031 (DDI0224) and PL061 (DDI0190). */
#include "check.h"
#include "mmio.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"

#define REVISION 0xf0U /* PeriphID2 7:4: differs between releases of one part */

/* `part` is 12 bits; the designer is Arm, 0x41. */
static void check_ids(const char *name, uintptr_t periph, uintptr_t cell, unsigned int part)
{
	static const uint8_t primecell[] = { 0x0d, 0xf0, 0x05, 0xb1 };

	check_eq(mmio_read32(periph), part & 0xff, "%s PeriphID0", name);
	check_eq(mmio_read32(periph + 4), 0x10 | part >> 8, "%s PeriphID1", name);
	check_eq(mmio_read32(periph + 8) & ~REVISION, 0x04, "%s PeriphID2 but its revision", name);
	check_eq(mmio_read32(periph + 12), 0x00, "%s PeriphID3", name);
	for (unsigned int i = 0; i < sizeof(primecell); i++)
		check_eq(mmio_read32(cell + 4 * i), primecell[i], "%s PCellID%u", name, i);
}

void guest_main(void)
{
	check_ids("PL011", UARTPERIPHID0, UARTPCELLID0, 0x011);
	check_ids("PL031", RTCPERIPHID0, RTCPCELLID0, 0x031);
	check_ids("PL061", GPIOPERIPHID0, GPIOPCELLID0, 0x061);
}
