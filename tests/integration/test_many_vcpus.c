/* SPDX-License-Identifier: Apache-2.0 */
/* Complaint 13: more vCPUs than 16. Affinities, redistributors, interrupts to each of 40. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "machine.h"

#define PROMPT "guest# "
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

static void shell(struct machine *machine, const char *command, const char *want)
{
	machine_send(machine, command);
	machine_send(machine, "\n");
	cr_expect(machine_expect(machine, want), "%s: no '%s':\n%s", command, want, machine->text);
	cr_expect(machine_expect(machine, PROMPT));
}

/* The MPIDR that Linux found on a CPU as it came up: 16 to a cluster. */
static void check_affinity(struct machine *machine, unsigned int cpu)
{
	char command[128], want[96];

	snprintf(command, sizeof(command),
		 "echo 1 >/sys/devices/system/cpu/cpu%u/online; dmesg | "
		 "grep -o 'CPU%u: Booted secondary processor 0x[0-9a-f]*'",
		 cpu, cpu);
	snprintf(want, sizeof(want), "\nCPU%u: Booted secondary processor 0x%010x", cpu,
		 (cpu & 15) | (cpu >> 4) << 8);
	shell(machine, command, want);
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

/*
 * Linux boots on the first and brings the others up from its shell. With all of them up from the
 * start, an emulated host of two processors had not finished after minutes: early in its boot Linux
 * has no tickless idle, so each CPU that is up costs its timer's interrupts even when it idles.
 */
Test(many_vcpus, linux_brings_all_of_them_up)
{
	struct machine machine;

	skip_above_max_vcpus(CPUS);
	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cpus", CPUS_S,
				   "--cmdline", "console=ttyAMA0 quiet maxcpus=1"));
	cr_assert(machine_expect(&machine, PROMPT), "no shell:\n%s\n%s", machine.text,
		  machine.errors);
	shell(&machine, "cat /sys/devices/system/cpu/present", "0-39");
	for (unsigned int cpu = 1; cpu < CPUS; cpu++)
		check_affinity(&machine, cpu);
	shell(&machine, "cat /sys/devices/system/cpu/online", "0-39");
	check_ipis(&machine);
	machine_send(&machine, "poweroff -f\n");
	cr_expect_eq(machine_wait(&machine, NULL), 0, "%s", machine.errors);
	machine_fini(&machine);
}
