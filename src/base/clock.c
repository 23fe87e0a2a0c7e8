/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual counter (Arm DDI0487, CNTVCT_EL0), which Linux lets programs read; where an erratum
 * keeps it from that, it answers the read itself. The C library's clock_gettime() is a system call
 * here: musl before 1.2.6 does not find it in the vDSO of arm64, which has had no DT_HASH since
 * Linux 6.0.
 */
#include "base/clock.h"

#include <time.h>

#define NS_PER_S 1000000000u

#ifdef __aarch64__
uint64_t clock_ns(void)
{
	uint64_t ticks, hz;

	/* With an ISB less it may be read some instructions early, which no duration shows. */
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	/* No product overflows: a remainder is below 2^32, and so are 10^9. */
	return ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
}
#else
uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}
#endif
