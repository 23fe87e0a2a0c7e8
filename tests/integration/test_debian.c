/* SPDX-License-Identifier: Apache-2.0 */
/* An unmodified Debian kernel with a shell on its serial console. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shell.h"

static void boot(struct machine *machine, const char *cpus)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--cpus", cpus,
				   "--memory", "512M", "--cmdline", "console=ttyAMA0 quiet"));
	shell_ready(machine);
}

static void power_off(struct machine *machine)
{
	shell_off(machine);
	cr_expect_str_empty(machine->errors);
	machine_fini(machine);
}

/* What a shell of @cpus vCPUs sees of them. */
static void check_cpus(struct machine *machine, unsigned int cpus)
{
	char want[32];

	snprintf(want, sizeof(want), "CPUs=%u.", cpus);
	shell(machine, "echo CPUs=$(grep -c ^processor /proc/cpuinfo).", want);
}

/* PL031 tells the host's time: the guest's agrees to a few minutes. */
static void check_time(struct machine *machine)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "t=$(cat /sys/class/rtc/rtc0/since_epoch); d=$((t-%lld)); "
		 "[ ${d#-} -lt 600 ] && echo time=right",
		 (long long)time(NULL));
	shell(machine, command, "\ntime=right");
}

Test(debian, boots_with_1_vcpu_and_knows_the_time)
{
	struct machine machine;

	boot(&machine, "1");
	check_cpus(&machine, 1);
	check_time(&machine);
	power_off(&machine);
}

Test(debian, boots_with_2_vcpus_and_again_after_a_reboot)
{
	struct machine machine;

	boot(&machine, "2");
	check_cpus(&machine, 2);
	machine_send(&machine, "reboot -f\n");
	cr_assert(machine_expect(&machine, PROMPT), "%s", machine.text);
	cr_expect_eq(count_text(machine.text, "arcvisor guest: init"), 2, "%s", machine.text);
	check_cpus(&machine, 2);
	power_off(&machine);
}

/* What the kernel made of the device tree. */
static void check_devices(struct machine *machine)
{
	shell(machine, "grep -c arch_timer /proc/interrupts | sed s/^/timers=/", "timers=1");
	shell(machine, "grep uart-pl011 /proc/interrupts", "GICv3  33 Level");
	shell(machine, "cat /proc/device-tree/psci/method; echo", "\r\nhvc~");
	shell(machine, "cat /sys/class/rtc/rtc0/name", "rtc-pl031");
	shell(machine, "dmesg | grep -c 'PSCIv1' | sed s/^/psci=/", "psci=1");
	shell(machine, "dmesg | grep 'hw perfevents'", "enabled with armv8_pmuv3");
	shell(machine, "dmesg | grep arm-pv", "using stolen time PV");
}

/* CPU hotplug: CPU_OFF, AFFINITY_INFO and CPU_ON as Linux uses them. */
static void check_hotplug(struct machine *machine)
{
	shell(machine, "for i in 1 2 3; do echo 0 >/sys/devices/system/cpu/cpu$i/online; done", "");
	shell(machine, "cat /sys/devices/system/cpu/online", "\n0\r");
	shell(machine, "for i in 3 2 1; do echo 1 >/sys/devices/system/cpu/cpu$i/online; done", "");
	shell(machine, "cat /sys/devices/system/cpu/online", "0-3");
}

/* A getty opens the port anew, by its own name, and sets its speed and modes. */
static void check_getty(struct machine *machine)
{
	machine_send(machine, "PS1='getty# ' exec getty -n -l /bin/sh 115200 ttyAMA0 vt100\n");
	cr_assert(machine_expect(machine, "\ngetty# "), "%s", machine->text);
	machine_send(machine, "tty; stty speed\n");
	cr_expect(machine_expect(machine, "/dev/ttyAMA0"), "%s", machine->text);
	cr_expect(machine_expect(machine, "115200"), "%s", machine->text);
	cr_expect(machine_expect(machine, "getty# "), "%s", machine->text);
}

Test(debian, boots_with_4_vcpus_and_finds_every_device)
{
	struct machine machine;

	boot(&machine, "4");
	check_cpus(&machine, 4);
	check_devices(&machine);
	check_hotplug(&machine);
	check_getty(&machine);
	power_off(&machine);
}

Test(debian, boots_with_8_vcpus)
{
	struct machine machine;

	boot(&machine, "8");
	check_cpus(&machine, 8);
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
	cr_expect_eq(machine_wait(&machine), 0);
	machine_fini(&machine);
}

/*
 * 64 GiB are promised, not taken: far more than the host has. The guest is told of all of it, and
 * told to use little, since its page structures alone would be 1 GiB.
 */
Test(debian, reserves_memory_without_touching_it)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD, "--memory", "64G",
				   "--cmdline", "console=ttyAMA0 quiet mem=512M"));
	cr_assert(machine_expect(&machine, PROMPT), "%s%s", machine.text, machine.errors);
	shell(&machine, "hexdump -C /proc/device-tree/memory@40000000/reg",
	      "00 00 00 00 40 00 00 00  00 00 00 10 00 00 00 00");
	power_off(&machine);
}
