/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer (Arm DDI0487): the counter, bounded waits, the EL1 virtual timer.
 */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include <stdint.h>

#include "cpu.h"

#define CNT_CTL_ENABLE	(1U << 0)
#define CNT_CTL_IMASK	(1U << 1)
#define CNT_CTL_ISTATUS (1U << 2)

static inline uint64_t timer_now(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

static inline uint64_t timer_ticks(unsigned int ms)
{
	return read_sysreg(cntfrq_el0) * ms / 1000;
}

static inline uint64_t timer_ms(uint64_t ticks)
{
	return ticks * 1000 / read_sysreg(cntfrq_el0);
}

/* Polls `condition` for up to `ms` milliseconds; true as soon as it holds. */
#define wait_until(condition, ms)                                         \
	({                                                                \
		uint64_t deadline_ = timer_now() + timer_ticks(ms);       \
		bool held_;                                               \
		while (!(held_ = (condition)) && timer_now() < deadline_) \
			asm volatile("yield");                            \
		held_;                                                    \
	})

/* Lets the virtual timer fire `ms` milliseconds from now; returns the counter value it fires at. */
static inline uint64_t vtimer_arm(unsigned int ms)
{
	uint64_t cval = timer_now() + timer_ticks(ms);

	write_sysreg(cntv_cval_el0, cval);
	write_sysreg(cntv_ctl_el0, CNT_CTL_ENABLE);
	isb();
	return cval;
}

static inline void vtimer_stop(void)
{
	write_sysreg(cntv_ctl_el0, 0);
	isb();
}

#endif
