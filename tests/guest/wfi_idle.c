/* SPDX-License-Identifier: Apache-2.0 */
/* Two seconds in WFI, every CPU: the VMM should use next to no processor time between the two
 * lines. */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "map.h"
#include "timer.h"

#define IDLE_MS 2000U

void guest_main(void)
{
	unsigned int wakeups = 0;

	gic_init(0);
	gic_enable(INTID_VTIMER);
	for (unsigned int cpu = 1; cpu < gic_cpu_count(); cpu++)
		cpu_start(cpu, 0, 0); /* goes straight to WFI */

	print("idle begin\n");

	uint64_t start = timer_now(), end = vtimer_arm(IDLE_MS);

	while (timer_now() < end) {
		wfi();
		wakeups++;
	}
	print("idle end\n");
	note("%lu ms, %u wake-ups", timer_ms(timer_now() - start), wakeups);

	check_eq(gic_poll(), INTID_VTIMER, "the timer woke it");
	check(wakeups < 100, "WFI waits");
	vtimer_stop();
}
