/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores for which the processor reports no syndrome (ISS.ISV = 0): pairs and write-back.
 * Whoever emulates the device executes the whole instruction.
 */
#ifndef GUEST_NOSYNDROME_H
#define GUEST_NOSYNDROME_H

#include <stdint.h>

/*
 * Checks every form, each in its widths, on the PL011 at `uart` and the PL031 at `rtc`: the values
 * that arrive, and the base registers afterwards. `where` begins each check's name.
 */
void check_nosyndrome(const char *where, uintptr_t uart, uintptr_t rtc);

#endif
