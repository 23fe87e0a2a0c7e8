/* SPDX-License-Identifier: Apache-2.0 */
/* WFI ends when an EL1 timer fires: its interrupt is pending while masked, and is taken when it is
 * not. */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "gic.h"
#include "map.h"
#include "timer.h"

#define ROUNDS	  20U
#define PERIOD_MS 5U

/* The virtual and the physical timer have the same registers under two names. */
struct timer {
	const char *name;
	unsigned int intid;
	bool virtual;
};

static volatile unsigned int fired, strays;
static struct timer timer;

static uint64_t counter(void)
{
	isb();
	return timer.virtual ? read_sysreg(cntvct_el0) : read_sysreg(cntpct_el0);
}

static void set_control(uint64_t value)
{
	if (timer.virtual)
		write_sysreg(cntv_ctl_el0, value);
	else
		write_sysreg(cntp_ctl_el0, value);
	isb();
}

static uint64_t arm(void)
{
	uint64_t cval = counter() + timer_ticks(PERIOD_MS);

	if (timer.virtual)
		write_sysreg(cntv_cval_el0, cval);
	else
		write_sysreg(cntp_cval_el0, cval);
	set_control(CNT_CTL_ENABLE);
	return cval;
}

static void on_irq(unsigned int intid)
{
	if (intid == timer.intid)
		fired++;
	else
		strays++;
	set_control(0); /* a level: it must fall before the end of interrupt */
}

static void check_masked(void)
{
	uint64_t cval = arm();

	while (counter() < cval)
		wfi();
	check(wait_until(gic_pending(timer.intid), 1000), "%s: pending", timer.name);
	check_eq(gic_poll(), timer.intid, "%s: acknowledged", timer.name);
	set_control(0);
	check(wait_until(!gic_pending(timer.intid), 1000), "%s: no longer pending", timer.name);
}

static void check_taken(unsigned int round)
{
	uint64_t cval = arm();

	fired = 0;
	while (!fired && counter() < cval + timer_ticks(1000)) {
		wfi();
		irq_enable();
		irq_disable();
	}

	uint64_t now = counter();

	check_eq(fired, 1, "%s: round %u taken once", timer.name, round);
	check(now >= cval, "%s: round %u not early", timer.name, round);
}

static void check_timer(struct timer under_test)
{
	timer = under_test;
	gic_enable(timer.intid);
	check_masked();
	for (unsigned int round = 1; round <= ROUNDS; round++)
		check_taken(round);
}

void guest_main(void)
{
	gic_init(on_irq);
	check_timer((struct timer){ "virtual timer", INTID_VTIMER, true });

	exception_catch();
	write_sysreg(cntp_ctl_el0, 0);
	if (exception_caught().count)
		skip("physical timer", "CNTP_CTL_EL0 is not accessible");
	else
		check_timer((struct timer){ "physical timer", INTID_PTIMER, false });
	check_eq(strays, 0, "no other interrupt");
}
