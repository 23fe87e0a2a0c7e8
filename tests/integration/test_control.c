/* SPDX-License-Identifier: Apache-2.0 */
/* A guest watched and steered from outside: `arcvisor ctl`, `arcvisor stop`, SIGTERM. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shell.h"

#define KEYS_KERNEL                                                                  \
	"guest/Image-keys" /* one that has gpio-keys; its initrd waits for KEY_POWER \
			    */
#define KEYS_INITRD "guest/initrd-keys.gz"

static char path[64];

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/control.%d", (int)getpid());
}

static void teardown(void)
{
	cr_expect_neq(access(path, F_OK), 0, "the socket is left behind");
}

TestSuite(control, .init = setup, .fini = teardown);

/* Runs `arcvisor @command`, in which %s is the socket; its status. What it printed is in @out. */
static int run(const char *command, char *out, size_t size)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "./arcvisor ");
	FILE *pipe;
	size_t n;

	len += snprintf(line + len, sizeof(line) - (size_t)len, command, path);
	snprintf(line + len, sizeof(line) - (size_t)len, " 2>&1");
	pipe = popen(line, "r");
	cr_assert_not_null(pipe);
	n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void expect_ok(const char *command)
{
	char out[4096];

	cr_expect_eq(run(command, out, sizeof(out)), 0, "%s: %s", command, out);
}

static void expect_says(const char *command, const char *want)
{
	char out[8192];

	cr_expect_eq(run(command, out, sizeof(out)), 0, "%s: %s", command, out);
	cr_expect(strstr(out, want), "%s: no '%s' in:\n%s", command, want, out);
}

static void start(struct machine *machine, const char *kernel, const char *until)
{
	machine_start(machine, MACHINE_ARGS("run", "--kernel", kernel, "--cpus", "2", "--control",
					    path, "--stop-timeout", "1"));
	cr_assert(machine_expect(machine, until), "%s%s", machine->text, machine->errors);
}

/* vCPUs that never leave the guest by themselves stop, keep what they had, and go on. */
Test(control, a_busy_guest_is_paused_and_resumed)
{
	static char first[8192], second[8192];
	struct machine machine;

	start(&machine, GUESTS "spin.img", "spinning");
	expect_says("ctl %s status", "state running\n");
	expect_ok("ctl %s pause");
	expect_says("ctl %s status", "state paused\n");
	cr_expect_eq(run("ctl --json %s registers", first, sizeof(first)), 0);
	cr_expect_eq(run("ctl --json %s registers", second, sizeof(second)), 0);
	cr_expect_str_eq(first, second, "nothing moves");
	cr_expect(strstr(first, "\"vcpu\":1,\"power\":\"on\""), "%s", first);
	expect_ok("ctl %s resume");
	expect_says("ctl %s status", "state running\n");
	expect_says("ctl %s registers vcpu=1", "pc 0x0000000040");
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	machine_fini(&machine);
}

Test(control, sleeping_vcpus_are_paused_and_resumed)
{
	struct machine machine;

	start(&machine, GUESTS "halt.img", "halted");
	for (int i = 0; i < 20; i++) {
		expect_ok("ctl %s pause");
		expect_ok("ctl %s resume");
	}
	expect_ok("ctl %s pause");
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	machine_fini(&machine);
}

Test(control, reset_boots_again_and_the_socket_stays)
{
	struct machine machine;

	start(&machine, GUESTS "halt.img", "halted");
	expect_ok("ctl %s reset");
	cr_expect(machine_expect(&machine, "halted"), "%s", machine.text);
	expect_says("ctl %s status", "resets 1\n");
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	machine_fini(&machine);
}

Test(control, stop_is_heard_by_a_guest_that_listens)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "power_button.img",
					     "--control", path));
	cr_assert(machine_expect(&machine, "button ready"), "%s", machine.text);
	expect_says("stop %s", "off\n");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	machine_fini(&machine);
}

Test(control, stop_ends_a_guest_that_does_not_listen)
{
	struct machine machine;
	char out[256];

	start(&machine, GUESTS "spin.img", "spinning");
	cr_expect_eq(run("stop %s", out, sizeof(out)), 1);
	cr_expect_str_eq(out, "timeout\n");
	cr_expect_eq(machine_wait(&machine), 5, "%s", machine.errors);
	machine_fini(&machine);
}

Test(control, what_cannot_be_done_is_said)
{
	struct machine machine, other;
	char out[512];

	cr_expect_eq(run("ctl %s status", out, sizeof(out)), 1);
	cr_expect(strstr(out, "no guest answers there"), "%s", out);
	start(&machine, GUESTS "halt.img", "halted");
	cr_expect_eq(run("ctl %s jump", out, sizeof(out)), 1);
	cr_expect_str_eq(out, "arcvisor: no command \"jump\"\n");
	cr_expect_eq(run("ctl %s registers vcpu=2", out, sizeof(out)), 1);
	cr_expect_eq(run("ctl %s registers 1", out, sizeof(out)), 2);
	cr_expect_eq(run("ctl %s", out, sizeof(out)), 2);
	cr_expect_eq(machine_run(&other, MACHINE_ARGS("run", "--kernel", GUESTS "halt.img",
						      "--control", path)),
		     2);
	cr_expect(strstr(other.errors, "another process serves it"), "%s", other.errors);
	machine_fini(&other);
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0);
	machine_fini(&machine);
}

/* A socket whose machine was killed is replaced. */
Test(control, a_killed_machine_s_socket_is_replaced)
{
	struct machine machine;

	start(&machine, GUESTS "halt.img", "halted");
	kill(machine.pid, SIGKILL);
	cr_expect_eq(machine_wait(&machine), 128 + SIGKILL);
	machine_fini(&machine);
	cr_expect_eq(access(path, F_OK), 0);
	start(&machine, GUESTS "halt.img", "halted");
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0);
	machine_fini(&machine);
}

/* ---- a Linux guest that has a power key -------------------------------------------------------
 */

static void boot_linux(struct machine *machine, const char *cpus)
{
	machine_start(machine, MACHINE_ARGS("run", "--kernel", KEYS_KERNEL, "--initrd", KEYS_INITRD,
					    "--cpus", cpus, "--control", path, "--stop-timeout",
					    "600", "--cmdline", "console=ttyAMA0 quiet"));
	shell_ready(machine);
}

static void type(struct machine *machine, const char *command)
{
	machine_send(machine, command);
	machine_send(machine, "\n");
}

static double host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The guest's CLOCK_BOOTTIME, asked for at or after the call and told before the return. */
static double guest_now(struct machine *machine)
{
	double now = 0;

	type(machine, "echo up=$(cut -d' ' -f1 /proc/uptime).");
	cr_assert(machine_expect(machine, "\nup="), "%s", machine->text);
	cr_assert(machine_expect(machine, PROMPT), "%s", machine->text);
	cr_assert_eq(sscanf(strrchr(machine->text, '=') + 1, "%lf", &now), 1);
	return now;
}

/* Keeps a CPU of the guest busy and looks at its clock, which must not go back. */
static const char watch_clock[] =
	"(last=0; while read up _ </proc/uptime; do up=${up%.*}${up#*.}; "
	"[ $up -lt $last ] && echo clock \"went\" back: $last $up; last=$up; done) &";

/* A pause that lasts is what is tested: longer than Linux lets pass before it reports a stall. */
static double pause_a_while(void)
{
	const struct timespec length = { .tv_sec = 25 };
	double begin;

	expect_ok("ctl %s pause");
	begin = host_now();
	nanosleep(&length, NULL);
	begin = host_now() - begin;
	expect_ok("ctl %s resume");
	return begin;
}

/*
 * docs/control.md: for the guest no time passes in a pause. What its clock gained is at most what
 * the host's did, less the pause; a hundredth is what /proc/uptime tells.
 */
static void check_pause(struct machine *machine)
{
	double host = host_now(), guest = guest_now(machine), paused = pause_a_while();
	double guest_passed = guest_now(machine) - guest, host_passed = host_now() - host;

	cr_expect_geq(guest_passed, 0);
	cr_expect_leq(guest_passed, host_passed - paused + 0.02, "guest %f s, host %f s, paused %f",
		      guest_passed, host_passed, paused);
}

Test(control, linux_sees_no_time_pass_in_a_pause)
{
	struct machine machine;

	boot_linux(&machine, "2");
	type(&machine, watch_clock);
	check_pause(&machine);
	type(&machine, "dmesg | grep -i -c 'lockup\\|stall\\|hung\\|clocksource.*unstable' | "
		       "sed 's/^/complaints=/'");
	cr_expect(machine_expect(&machine, "\ncomplaints=0"), "%s", machine.text);
	cr_expect_null(strstr(machine.text, "clock went back"), "%s", machine.text);
	expect_ok("ctl %s quit");
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	machine_fini(&machine);
}

/* Complaint 2 of users of other machine monitors: no graceful shutdown from outside. */
Test(control, complaint_2_linux_powers_off_at_sigterm)
{
	struct machine machine;

	boot_linux(&machine, "1");
	cr_assert(strstr(machine.text, "power key: listening") ||
			  machine_expect(&machine, "power key: listening"),
		  "%s", machine.text);
	kill(machine.pid, SIGTERM);
	cr_expect_eq(machine_wait(&machine), 0, "%s%s", machine.text, machine.errors);
	cr_expect(strstr(machine.text, "power key: pressed 1 times"), "%s", machine.text);
	machine_fini(&machine);
}
