/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software generated interrupts (ICC_SGI1R_EL1) from every CPU to every other, one by one and by
 * broadcast; none is lost, none doubled, none goes astray. Affinities beyond 16 CPUs take Aff1 and
 * Aff2. A pending SGI is one bit, so a sender waits for its targets before the next CPU sends.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

enum { SGI_UNICAST = 1, SGI_BROADCAST, SGI_SELF, SGI_TURN, SGIS };

static unsigned int cpus;
static volatile unsigned int received[MAX_CPUS][SGIS]; /* each row written by its CPU only */
static volatile unsigned int strays[MAX_CPUS];
static volatile bool lost[MAX_CPUS];
static volatile unsigned int turn;

static void on_irq(unsigned int intid)
{
	unsigned int cpu = cpu_id();

	if (intid < SGIS)
		received[cpu][intid]++;
	else
		strays[cpu]++;
}

/* CPUs send in the order of their numbers, so `cpu` CPUs, the receiver not counted, have sent
 * before this one. */
static void wait_for_others(unsigned int cpu, unsigned int sgi)
{
	for (unsigned int to = 0; to < cpus; to++) {
		unsigned int want = to < cpu ? cpu : cpu + 1;

		if (to != cpu && !wait_until(received[to][sgi] >= want, 10000))
			lost[cpu] = true;
	}
}

static void send_all(unsigned int cpu)
{
	for (unsigned int to = 0; to < cpus; to++)
		if (to != cpu)
			gic_send_sgi(SGI_UNICAST, cpu_affinity(to));
	wait_for_others(cpu, SGI_UNICAST);

	gic_send_sgi_others(SGI_BROADCAST);
	wait_for_others(cpu, SGI_BROADCAST);

	gic_send_sgi(SGI_SELF, cpu_affinity(cpu));
}

/* Sleeps until its turn, which an SGI announces, sends, and passes the turn on. */
static void take_turn(unsigned int cpu)
{
	while (turn != cpu) {
		wfi();
		irq_enable();
		irq_disable();
	}
	irq_enable();
	send_all(cpu);
	turn = cpu + 1;
	if (cpu + 1 < cpus)
		gic_send_sgi(SGI_TURN, cpu_affinity(cpu + 1));
}

static void cpu_setup_irqs(void)
{
	for (unsigned int sgi = SGI_UNICAST; sgi < SGIS; sgi++)
		gic_enable(sgi);
}

static void secondary(unsigned int cpu)
{
	gic_cpu_init();
	cpu_setup_irqs();
	received[cpu][0] = 1; /* ready */
	take_turn(cpu);
	for (;;)
		wfi();
}

void guest_main(void)
{
	cpus = gic_cpu_count();
	note("%u CPUs", cpus);
	turn = cpus; /* nobody's */

	gic_init(on_irq);
	cpu_setup_irqs();
	for (unsigned int cpu = 1; cpu < cpus; cpu++) {
		cpu_start(cpu, secondary, 0);
		check(wait_until(received[cpu][0], 10000), "cpu%u ready", cpu);
	}

	turn = 0;
	take_turn(0);
	check(wait_until(turn == cpus, 60000), "all CPUs sent");
	check(wait_until(received[cpus - 1][SGI_SELF], 1000), "last CPU's own SGI");

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		check_eq(received[cpu][SGI_UNICAST], cpus - 1, "cpu%u unicast", cpu);
		check_eq(received[cpu][SGI_BROADCAST], cpus - 1, "cpu%u broadcast", cpu);
		check_eq(received[cpu][SGI_SELF], 1, "cpu%u self", cpu);
		check_eq(strays[cpu] + lost[cpu], 0, "cpu%u no stray, none lost", cpu);
	}
}
