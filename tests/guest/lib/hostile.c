/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include "check.h"
#include "cpu.h"
#include "map.h"
#include "mmio.h"
#include "pl011.h"

#define SEED 0x5eed5eed5eed5eedUL

static uint64_t state[MAX_CPUS];

void hostile_begin(void)
{
	note("seed 0x%lx", SEED);
}

/* xorshift64* (Marsaglia 2003, Vigna 2014). */
uint64_t hostile_random(void)
{
	uint64_t *x = &state[cpu_id()];

	if (!*x)
		*x = SEED + cpu_id();
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return *x * 0x2545f4914f6cdd1dUL;
}

uint64_t hostile_below(uint64_t limit)
{
	return (hostile_random() >> 16) % limit;
}

uint64_t hostile_value(void)
{
	uint64_t random = hostile_random();

	switch (random >> 60) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	case 2:
		return 1UL << (random & 63);
	case 3:
		return (1UL << (random & 63)) - 1;
	case 4:
		return RAM_BASE + (random & 0x3fffffff);
	case 5:
		return random & 0x3fffffff; /* devices and holes */
	case 6:
		return random & 0xff;
	case 7:
		return (uint32_t)random;
	case 8:
		return RAM_BASE - (random & 0xf);
	default:
		return random;
	}
}

bool hostile_round(void)
{
	char go;

	mmio_write32(UARTIMSC, 0);
	mmio_write32(UARTLCR_H, UARTLCR_H_FEN | UARTLCR_H_WLEN_8);
	mmio_write32(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
	print("\nround\n");
	while (mmio_read32(UARTFR) & UARTFR_RXFE)
		asm volatile("yield");
	go = (char)mmio_read32(UARTDR);
	return go != 'q';
}
