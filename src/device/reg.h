/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/device: accesses of any width to devices whose registers are 32 bits, 4 bytes
 * apart. An access belongs to the register that its first byte is in, and reaches no further.
 */
#ifndef ARCVISOR_SRC_DEVICE_REG_H
#define ARCVISOR_SRC_DEVICE_REG_H

#include <stdbool.h>
#include <stdint.h>

#define REG_INDEX(offset) ((unsigned int)((offset) >> 2))

/* True where the access has the register's low byte: only then it reads or writes the device. */
static inline bool reg_has_low_byte(uint64_t offset)
{
	return (offset & 3) == 0;
}

/* What a write of @len bytes carries; a narrow one is zero extended, as on a 32-bit bus. */
static inline uint32_t reg_value(uint64_t val, unsigned int len)
{
	return (uint32_t)(len < 4 ? val & ((1u << 8 * len) - 1) : val);
}

/* What a read at @offset finds in a register that holds @val. */
static inline uint64_t reg_bytes(uint32_t val, uint64_t offset)
{
	return val >> 8 * (offset & 3);
}

#endif
