/* SPDX-License-Identifier: Apache-2.0 */
/* Where no device answers a read gives zero and a write is ignored, at every width. */
#include "check.h"
#include "exception.h"
#include "map.h"
#include "mmio.h"

#define CHECK_HOLE(bits)                                                                          \
	do {                                                                                      \
		uint64_t value = ~0UL;                                                            \
		exception_catch();                                                                \
		value = mmio_read##bits(HOLE_BASE);                                               \
		struct exception refused = exception_caught();                                    \
		if (check_eq(refused.count ? refused.esr : 0, 0, "read of " #bits " bits lives")) \
			check_eq(value, 0, "read of " #bits " bits");                             \
		exception_catch();                                                                \
		mmio_write##bits(HOLE_BASE, (uint##bits##_t) ~0UL);                               \
		refused = exception_caught();                                                     \
		check_eq(refused.count ? refused.esr : 0, 0, "write of " #bits " bits lives");    \
		exception_catch();                                                                \
		value = mmio_read##bits(HOLE_BASE);                                               \
		if (!exception_caught().count)                                                    \
			check_eq(value, 0, "write of " #bits " bits is ignored");                 \
	} while (0)

void guest_main(void)
{
	CHECK_HOLE(8);
	CHECK_HOLE(16);
	CHECK_HOLE(32);
	CHECK_HOLE(64);
}
