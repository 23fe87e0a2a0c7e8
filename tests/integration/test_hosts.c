/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs from host to host: page size, interrupt controller, limits. Every row of the matrix
 * runs these (docs/testing.md); what the host has is asked of its KVM, not of arcvisor.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "shell.h"

/* Complaint 4: page sizes. */
Test(hosts, doctor_finds_this_host_fit_and_its_page_size)
{
	struct machine machine;
	char want[64];

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("doctor")), 0, "%s", machine.text);
	snprintf(want, sizeof(want), "ok       page size               %ld KiB\n",
		 sysconf(_SC_PAGESIZE) / 1024);
	cr_expect(strstr(machine.text, want), "no '%s':\n%s", want, machine.text);
	machine_fini(&machine);
}

/* The controller that Linux found, and the triggers that it took from the device tree. */
static void check_interrupts(struct machine *machine)
{
	const char *chip = host_has_gic_v3() ? "GICv3" : "GIC-0";
	char want[64];

	snprintf(want, sizeof(want), "%s  33 Level", chip);
	shell(machine, "grep uart-pl011 /proc/interrupts", want);
	snprintf(want, sizeof(want), "%s  27 Level", chip);
	shell(machine, "grep arch_timer /proc/interrupts", want);
	shell(machine, "dmesg | grep -c 'ITS@0x0*8080000: alloc' | sed 's/^0$/none/; s/^/its=/'",
	      host_has_its() ? "\nits=2" : "\nits=none");
}

/*
 * Complaints 4, 15 and 21: on any page size, with the interrupt controller that there is, each
 * interrupt of the trigger that its device has.
 */
Test(hosts, linux_boots_with_the_interrupt_controller_that_there_is)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cpus", "2",
				   "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER));
	shell_ready(&machine);
	shell(&machine, "echo CPUs=$(grep -c ^processor /proc/cpuinfo).", "\nCPUs=2.");
	check_interrupts(&machine);
	shell_off(&machine);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
}

static void refused(const char *const *args, const char *want)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, args), 2, "%s", machine.errors);
	cr_expect(strstr(machine.errors, want), "no '%s': %s", want, machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "%s", machine.errors);
	machine_fini(&machine);
}

#define GUEST "run", "--kernel", GUESTS "off.img"

/* What the host cannot have is one line, of the host's own limit. */
Test(hosts, an_interrupt_controller_that_is_not_there_is_refused)
{
	if (!host_has_gic_v3()) {
		refused(MACHINE_ARGS(GUEST, "--gic", "3"), "--gic 3: this host gives guests no");
		refused(MACHINE_ARGS(GUEST, "--cpus", "9"), "GICv2 serves at most 8 vCPUs");
	}
	if (!host_has_gic_v2())
		refused(MACHINE_ARGS(GUEST, "--gic", "2"), "--gic 2: this host gives guests no");
	if (!host_has_its())
		refused(MACHINE_ARGS(GUEST, "--its", "on"), "--its on: ");
}

Test(hosts, smc_without_a_filter_is_refused)
{
	if (!host_has_smccc_filter())
		refused(MACHINE_ARGS(GUEST, "--conduit", "smc"), "--conduit smc: this host's KVM");
}

/* Without its ITS, the same host's guest has a GICv3 alone. */
Test(hosts, an_its_can_be_off)
{
	struct machine machine;
	int status = machine_run(&machine,
				 MACHINE_ARGS("run", "--kernel", GUESTS "its.img", "--its", "off"));

	cr_expect_eq(status, 0, "%s", machine.errors);
	cr_expect(strstr(machine.text, "skip all: no ITS"), "%s", machine.text);
	machine_fini(&machine);
}

/* A guest of an odd number of MiB, the least that is a multiple of no page but 4K's and 16K's. */
Test(hosts, memory_of_any_whole_mib)
{
	struct machine machine;
	int status = machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "boot_regs.img",
							"--memory", "33M"));

	cr_expect_eq(status, 0, "%s", machine.errors);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}
