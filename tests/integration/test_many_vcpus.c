/* SPDX-License-Identifier: Apache-2.0 */
/* Complaint 13: more vCPUs than 16. Affinities, redistributors, interrupts to each of 40. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "shell.h"

#define CPUS   40
#define CPUS_S "40"

static void run_guest(const char *image, const char *cpus)
{
	struct machine machine;
	int status;

	skip_above_max_vcpus((unsigned int)atoi(cpus));
	status = machine_run(&machine, MACHINE_ARGS("run", "--kernel", image, "--cpus", cpus,
						    "--memory", "64M"));
	cr_expect_eq(status, 0, "%s", machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s did not end:\n%s", image, machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}

Test(many_vcpus, each_starts_with_its_affinity_and_redistributor)
{
	run_guest(GUESTS "secondary_regs.img", CPUS_S);
}

/* The first region of redistributors holds 123. */
Test(many_vcpus, each_of_130_has_a_redistributor_in_one_of_two_regions)
{
	run_guest(GUESTS "secondary_regs.img", "130");
}

Test(many_vcpus, each_interrupts_each)
{
	run_guest(GUESTS "ipi_smp.img", CPUS_S);
}

/* Each of them, with the MPIDR that Linux found as it came up: 16 to a cluster. */
static void check_affinities(const struct machine *machine)
{
	char want[96];

	for (unsigned int cpu = 1; cpu < CPUS; cpu++) {
		snprintf(want, sizeof(want), "CPU%u: Booted secondary processor 0x%010x", cpu,
			 (cpu & 15) | (cpu >> 4) << 8);
		cr_expect(strstr(machine->text, want), "no '%s' in:\n%s", want, machine->text);
	}
}

/* Runs something on each CPU, then counts those that no interprocessor interrupt reached. */
static void check_ipis(struct machine *machine)
{
	shell(machine, "i=0; while [ $i -lt " CPUS_S " ]; do taskset -c $i true; i=$((i+1)); done",
	      "");
	shell(machine,
	      "awk '/IPI[0-9]:/ {for (i=2;i<=41;i++) n[i]+=$i} "
	      "END {for (i=2;i<=41;i++) z+=!n[i]; print \"silent=\" z+0 \".\"}' /proc/interrupts",
	      "\nsilent=0.");
}

/* All of them up from the start, as any Linux guest has it. But each has a twentieth of a processor
 * in the emulated host, whose WFE does not trap: there KVM never learns that a vCPU spins. So the
 * guest does not balance its load over all of them, whose locks 40 vCPUs would wait for in a row,
 * and reports nobody who waits long: a report by a serial port takes an exit for each letter, in
 * which all others wait. */
#define PATIENT                              \
	" quiet isolcpus=1-39 nowatchdog"    \
	" rcupdate.rcu_cpu_stall_suppress=1" \
	" rcupdate.rcu_cpu_stall_suppress_at_boot=1"

Test(many_vcpus, linux_boots_with_all_of_them)
{
	struct machine machine;

	skip_above_max_vcpus(CPUS);
	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cpus", CPUS_S,
				   "--cmdline", "console=ttyAMA0" PATIENT));
	shell_ready(&machine);
	shell(&machine, "dmesg | grep Booted", "CPU39");
	check_affinities(&machine);
	shell(&machine, "cat /sys/devices/system/cpu/online", "0-39");
	check_ipis(&machine);
	shell_off(&machine);
	machine_fini(&machine);
}
