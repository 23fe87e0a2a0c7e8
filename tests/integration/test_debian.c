/* SPDX-License-Identifier: Apache-2.0 */
/* An unmodified Debian kernel with a shell on its serial console. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine.h"

#define PROMPT "guest# "

static void boot(struct machine *machine, const char *cpus)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cpus", cpus,
				   "--memory", "512M", "--cmdline", "console=ttyAMA0"));
	cr_assert(machine_expect(machine, PROMPT), "no shell:\n%s\n%s", machine->text,
		  machine->errors);
}

/* Runs a command in the guest's shell; what it printed is in machine->text before the prompt. */
static void shell(struct machine *machine, const char *command, const char *want)
{
	machine_send(machine, command);
	machine_send(machine, "\n");
	cr_expect(machine_expect(machine, want), "%s: no '%s':\n%s", command, want, machine->text);
	cr_expect(machine_expect(machine, PROMPT));
}

static void power_off(struct machine *machine)
{
	machine_send(machine, "poweroff -f\n");
	cr_expect_eq(machine_wait(machine, NULL), 0, "%s", machine->errors);
	cr_expect_str_empty(machine->errors);
	machine_fini(machine);
}

static void boots_with(unsigned int cpus)
{
	struct machine machine;
	char count[16], want[32];

	snprintf(count, sizeof(count), "%u", cpus);
	boot(&machine, count);
	snprintf(want, sizeof(want), "CPUs=%u.", cpus);
	shell(&machine, "echo CPUs=$(grep -c ^processor /proc/cpuinfo).", want);
	power_off(&machine);
}

Test(debian, boots_to_a_shell_with_1_vcpu)
{
	boots_with(1);
}

Test(debian, boots_to_a_shell_with_2_vcpus)
{
	boots_with(2);
}

Test(debian, boots_to_a_shell_with_4_vcpus)
{
	boots_with(4);
}

Test(debian, boots_to_a_shell_with_8_vcpus)
{
	boots_with(8);
}

/* What the kernel made of the device tree. */
Test(debian, finds_every_device)
{
	struct machine machine;

	boot(&machine, "4");
	shell(&machine, "grep -c arch_timer /proc/interrupts | sed s/^/timers=/", "timers=1");
	shell(&machine, "grep uart-pl011 /proc/interrupts", "GICv3  33 Level");
	shell(&machine, "cat /proc/device-tree/psci/method; echo .", "hvc");
	shell(&machine, "cat /sys/class/rtc/rtc0/name", "rtc-pl031");
	shell(&machine, "dmesg | grep -c 'PSCIv1' | sed s/^/psci=/", "psci=1");
	shell(&machine, "dmesg | grep 'CPUs detected\\|Brought up'", "4 CPUs");
	power_off(&machine);
}

/* PL031 tells the host's time: the guest's clock agrees to a few minutes. */
Test(debian, knows_the_time)
{
	struct machine machine;
	char command[96];

	boot(&machine, "1");
	snprintf(command, sizeof(command),
		 "t=$(cat /sys/class/rtc/rtc0/since_epoch); d=$((t-%lld)); "
		 "[ ${d#-} -lt 600 ] && echo time=right",
		 (long long)time(NULL));
	shell(&machine, command, "\ntime=right");
	power_off(&machine);
}

/* CPU hotplug: CPU_OFF, AFFINITY_INFO and CPU_ON as Linux uses them. */
Test(debian, turns_cpus_off_and_on)
{
	struct machine machine;

	boot(&machine, "4");
	shell(&machine, "for i in 1 2 3; do echo 0 >/sys/devices/system/cpu/cpu$i/online; done",
	      "");
	shell(&machine, "cat /sys/devices/system/cpu/online", "\n0\r");
	shell(&machine, "for i in 3 2 1; do echo 1 >/sys/devices/system/cpu/cpu$i/online; done",
	      "");
	shell(&machine, "cat /sys/devices/system/cpu/online", "0-3");
	power_off(&machine);
}

Test(debian, reboots_into_a_new_shell)
{
	struct machine machine;

	boot(&machine, "2");
	machine_send(&machine, "reboot -f\n");
	cr_assert(machine_expect(&machine, PROMPT), "%s", machine.text);
	cr_expect_eq(count_text(machine.text, "arcvisor guest: init"), 2, "%s", machine.text);
	power_off(&machine);
}

/* The end of standard input is not the guest's end. */
Test(debian, outlives_its_input)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cmdline",
				   "console=ttyAMA0 quiet arcvisor.run=poweroff"));
	machine_close_input(&machine);
	cr_expect(machine_expect(&machine, "arcvisor guest: init"), "%s", machine.text);
	cr_expect_eq(machine_wait(&machine, NULL), 0);
	machine_fini(&machine);
}

/* 64 GiB are promised, not taken: far more than the host has. */
Test(debian, reserves_memory_without_touching_it)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD,
					     "--memory", "64G", "--cmdline", "console=ttyAMA0"));
	cr_assert(machine_expect(&machine, PROMPT), "%s%s", machine.text, machine.errors);
	shell(&machine,
	      "[ $(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo) -gt 60000000 ] && "
	      "echo memory=all",
	      "\nmemory=all");
	power_off(&machine);
}
