/* SPDX-License-Identifier: Apache-2.0 */
/* Every bare-metal guest of tests/guest that ends by itself: each of its checks holds. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host.h"
#include "machine.h"

#define SAID	"its output was:\n%s\n%s"
#define NO_WAIT "--stop-timeout", "0" /* for guests that hear no power button */

/* Runs guests/@name.img until it powers off, and holds it to what it printed. */
static void run_guest(const char *name, const char *cpus)
{
	struct machine machine;
	char path[128];
	int status;

	snprintf(path, sizeof(path), GUESTS "%s.img", name);
	status = machine_run(
		&machine, MACHINE_ARGS("run", "--kernel", path, "--cpus", cpus, "--memory", "64M"));
	cr_expect_eq(status, 0, "%s: status %d\n%s", name, status, machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s did not end:\n%s", name, machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s:\n%s", name, machine.text);
	cr_expect(strstr(machine.text, "ok ") || strstr(machine.text, "skip all"),
		  "%s checked nothing:\n%s", name, machine.text);
	machine_fini(&machine);
}

#define GUEST(name, cpus)                   \
	Test(guests, name##_##cpus)         \
	{                                   \
		skip_above_max_vcpus(cpus); \
		run_guest(#name, #cpus);    \
	}

GUEST(boot_regs, 1)
GUEST(secondary_regs, 2)
GUEST(secondary_regs, 17)
GUEST(psci_calls_hvc, 1)
GUEST(psci_calls_hvc, 2)
GUEST(psci_calls_smc, 1)
GUEST(psci_calls_smc, 2)
GUEST(psci_race, 4)
GUEST(hvc_unknown, 1)
GUEST(smc_unknown, 1)
GUEST(trng, 1)
GUEST(mmio_xzr, 1)
GUEST(mmio_widths, 1)
GUEST(mmio_sign, 1)
GUEST(mmio_hole, 1)
GUEST(exec_hole, 1)
GUEST(abort_nosyndrome, 1)
GUEST(abort_nosyndrome_mmu, 1)
GUEST(osdlr, 1)
GUEST(wfi_timer, 1)
GUEST(ipi_smp, 1)
GUEST(ipi_smp, 4)
GUEST(ipi_smp, 17)
GUEST(its, 1)
GUEST(its, 2)
GUEST(uart_ids, 1)
GUEST(rtc, 1)

/* A hole is reported where it is, and not once for each of a guest's accesses. */
Test(guests, mmio_hole_is_reported)
{
	struct machine machine;

	machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "mmio_hole.img"));
	cr_expect(strstr(machine.errors, "0xb000000"), "%s", machine.errors);
	machine_fini(&machine);
}

Test(guests, off_ends_with_status_0)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img")), 0);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
}

Test(guests, off_by_a_secondary_ends_all)
{
	struct machine machine;
	int status = machine_run(&machine, MACHINE_ARGS("run", "--kernel",
							GUESTS "off_secondary.img", "--cpus", "4"));

	cr_expect_eq(status, 0, "%s", machine.errors);
	machine_fini(&machine);
}

/* A reset boots again, and the guest finds everything as at first. */
static void reset_boots_again(const char *image)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", image, "--cpus", "2", NO_WAIT));
	for (int i = 0; i < 3; i++)
		cr_expect(machine_expect(&machine, "boot"), "%s", machine.errors);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 5, SAID, machine.text, machine.errors);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}

Test(guests, system_reset_boots_again)
{
	reset_boots_again(GUESTS "reset.img");
}

Test(guests, system_reset2_boots_again)
{
	reset_boots_again(GUESTS "reset2.img");
}

Test(guests, reset_can_end_the_machine)
{
	struct machine machine;
	int status = machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "reset.img",
							"--on-reset", "exit"));

	cr_expect_eq(status, 3, "%s", machine.errors);
	cr_expect_eq(count_text(machine.text, "boot"), 1, "%s", machine.text);
	machine_fini(&machine);
}

Test(guests, uart_echoes_by_interrupt)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "uart_echo.img"));
	cr_assert(machine_expect(&machine, "echo ready"), "%s", machine.text);
	machine_send(&machine,
		     "a brown fox jumps over the lazy dog and 0123456789 and over it again\nq");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	cr_expect(strstr(machine.text,
			 "a brown fox jumps over the lazy dog and 0123456789 and over it again"),
		  "%s", machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	cr_assert_eq(clock_gettime(clock, &now), 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * Two seconds in WFI cost next to nothing, where vCPUs that spin would cost all of that time or,
 * on a busy host, their share of it. How long it takes until the guest is there counts for nothing.
 */
Test(guests, wfi_costs_no_host_cpu)
{
	struct machine machine;
	int64_t used, elapsed;
	clockid_t cpu_time;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "wfi_idle.img", "--cpus", "2"));
	cr_assert(machine_expect(&machine, "idle begin"), SAID, machine.text, machine.errors);
	cr_assert_eq(clock_getcpuclockid(machine.pid, &cpu_time), 0);
	used = read_clock(cpu_time);
	elapsed = read_clock(CLOCK_MONOTONIC);
	cr_assert(machine_expect(&machine, "idle end"), SAID, machine.text, machine.errors);
	used = read_clock(cpu_time) - used;
	elapsed = read_clock(CLOCK_MONOTONIC) - elapsed;
	cr_expect_lt(used, elapsed / 2, "%lld us of CPU time in %lld us", (long long)used,
		     (long long)elapsed);
	cr_expect_eq(machine_wait(&machine), 0, SAID, machine.text, machine.errors);
	machine_fini(&machine);
}

/* CPU_OFF of the only vCPU leaves a machine that waits, and ends when told to. */
Test(guests, last_cpu_off_can_be_ended)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "off_last_cpu.img", NO_WAIT));
	cr_expect(machine_expect(&machine, "last cpu off"), SAID, machine.text, machine.errors);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 5, SAID, machine.text, machine.errors);
	machine_fini(&machine);
}

/* Guests that never leave, or never wake, end when told to. */
Test(guests, a_spinning_guest_can_be_ended)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "spin.img", "--cpus", "2", NO_WAIT));
	cr_expect(machine_expect(&machine, "spinning"), SAID, machine.text, machine.errors);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 5, SAID, machine.text, machine.errors);
	machine_fini(&machine);
}

Test(guests, a_halted_guest_can_be_ended)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "halt.img", "--cpus", "2", NO_WAIT));
	cr_expect(machine_expect(&machine, "halted"), SAID, machine.text, machine.errors);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 5, SAID, machine.text, machine.errors);
	machine_fini(&machine);
}

/* Pressed once from outside, the power button goes down once and up once. */
Test(guests, power_button_is_pressed_by_sigterm)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "power_button.img"));
	cr_assert(machine_expect(&machine, "button ready"), "%s", machine.text);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s", machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}

/* A guest that does not listen is ended, with a status of its own. */
Test(guests, a_deaf_guest_is_ended_by_timeout)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "spin.img", "--stop-timeout", "1"));
	cr_expect(machine_expect(&machine, "spinning"), SAID, machine.text, machine.errors);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 5, SAID, machine.text, machine.errors);
	cr_expect(strstr(machine.errors, "power button"), "%s", machine.errors);
	machine_fini(&machine);
}

/* Who asks twice does not wait; both signals have been taken when the machine has ended. */
Test(guests, a_second_sigterm_ends_at_once)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "-v", "--kernel", GUESTS "spin.img",
					     "--stop-timeout", "86400"));
	cr_expect(machine_expect(&machine, "spinning"), SAID, machine.text, machine.errors);
	kill(machine.pid, SIGTERM);
	while (!strstr(machine.errors, "signal 15") && machine_pump(&machine))
		;
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	machine_fini(&machine);
}
