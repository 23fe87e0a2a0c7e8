/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's commands, on a machine of the simulated host. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "control/json.h"
#include "hvc/psci.h"
#include "machine_rig.h"

static char path[64];
static FILE *client;
static char line[1 << 16];

static void connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	client = fdopen(fd, "r+");
}

/* vCPU 0 waits as a guest that needs nothing, and a client is there. */
static void setup(void)
{
	machine_rig_init();
	snprintf(path, sizeof(path), "/tmp/vm_control.%d", (int)getpid());
	machine_rig_config.control = path;
	machine_rig_start();
	sim_wait_idle(0);
	connect_client();
}

static void teardown(void)
{
	fclose(client);
	cr_expect_neq(access(path, F_OK), 0, "the socket is removed");
	machine_rig_fini();
}

TestSuite(control, .init = setup, .fini = teardown);

static const char *next_line(void)
{
	cr_assert_not_null(fgets(line, sizeof(line), client));
	return line;
}

static const char *ask(const char *request)
{
	cr_assert_geq(fprintf(client, "%s\n", request), 0);
	fflush(client);
	return next_line();
}

static void ask_ok(const char *command)
{
	char request[64];

	snprintf(request, sizeof(request), "{\"command\":\"%s\"}", command);
	cr_expect_str_eq(ask(request), "{\"ok\":true}\n");
}

static void expect_state(const char *state)
{
	const char *answer = ask("{\"command\":\"status\"}"), *why;
	struct jval *val = jval_parse(answer, strlen(answer), &why);
	uint64_t number;

	cr_assert_not_null(val, "%s", answer);
	cr_expect_str_eq(jval_get_string(val, "state"), state);
	cr_expect_eq(jval_get_u64(val, "vcpus", &number), 0);
	cr_expect_eq(number, 2);
	cr_expect_eq(jval_get_u64(val, "memory", &number), 0);
	cr_expect_eq(number, 64 << 20);
	jval_free(val);
}

static void quit(void)
{
	ask_ok("quit");
	cr_expect_str_eq(next_line(), "{\"event\":\"ended\",\"reason\":\"quit\"}\n");
	cr_expect_null(fgets(line, sizeof(line), client));
	cr_expect_eq(machine_rig_wait(), MACHINE_QUIT);
}

Test(control, quit_ends_the_machine_and_says_so)
{
	quit();
}

Test(control, pauses_and_resumes)
{
	expect_state("running");
	ask_ok("pause");
	expect_state("paused");
	ask_ok("pause");
	ask_ok("resume");
	expect_state("running");
	ask_ok("resume");
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_str_eq(next_line(), "{\"event\":\"ended\",\"reason\":\"off\"}\n");
}

/* The guest's counter goes on from where it was, however far the host's has gone. */
Test(control, a_pause_stops_the_guest_s_clock)
{
	sim_set_counter(1000);
	ask_ok("pause");
	sim_set_counter(5000);
	ask_ok("resume");
	cr_expect_eq(sim_counter(), 1000);
	sim_set_counter(6000);
	ask_ok("resume");
	cr_expect_eq(sim_counter(), 6000, "it was not paused");
	quit();
}

Test(control, a_paused_machine_can_be_ended)
{
	ask_ok("pause");
	quit();
}

/* A crash is kept where --on-crash asks for it: nothing resumes, and the end is still a crash. */
Test(control, a_crashed_guest_can_be_looked_at)
{
	const struct vcpu_exit exit = { .kind = VCPU_EXIT_INTERNAL_ERROR };

	machine_rig_config.on_crash = VM_CRASH_PAUSE;
	sim_play(0, &exit);
	while (!strstr(ask("{\"command\":\"status\"}"), "\"crashed\""))
		sched_yield();
	ask_ok("resume");
	expect_state("crashed");
	cr_expect(strstr(ask("{\"command\":\"registers\",\"vcpu\":0}"), "\"pc\""), "%s", line);
	ask_ok("quit");
	cr_expect_str_eq(next_line(), "{\"event\":\"ended\",\"reason\":\"crash\"}\n");
	cr_expect_eq(machine_rig_wait(), MACHINE_CRASH);
}

Test(control, stop_resumes_and_presses)
{
	machine_rig_play_write(LAYOUT_GPIO_BASE + 0x408, 1u << LAYOUT_POWER_PIN);
	machine_rig_play_write(LAYOUT_GPIO_BASE + 0x410, 1u << LAYOUT_POWER_PIN);
	sim_wait_idle(0);
	ask_ok("pause");
	cr_expect_str_eq(ask("{\"command\":\"stop\"}"), "{\"ok\":true,\"timeout\":86400}\n");
	sim_wait_calls(SIM_IRQ_SET, 1);
	expect_state("running");
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
}

Test(control, the_power_button_alone_ends_nothing)
{
	ask_ok("power-button");
	ask_ok("power-button");
	expect_state("running");
	quit();
}

/* The socket and its clients outlive the guest that is reset. */
Test(control, reset_builds_a_new_guest)
{
	unsigned int machines = sim_calls(SIM_VM_CREATE);

	ask_ok("reset");
	sim_wait_calls(SIM_VM_CREATE, machines + 1);
	sim_wait_idle(0);
	cr_expect(strstr(ask("{\"command\":\"status\"}"), "\"resets\":1"));
	quit();
}

/* All of one vCPU, or of all; of a machine that runs it is paused for that alone. */
Test(control, tells_registers)
{
	struct vcpu_regs regs;
	const char *answer;

	sim_regs(0, &regs);
	regs.x[30] = 0xfedcba9876543210;
	regs.mpidr_el1 = 0x80000000;
	sim_set_regs(0, &regs);
	answer = ask("{\"command\":\"registers\",\"vcpu\":0}");
	cr_expect(strstr(answer, "\"vcpu\":0,\"power\":\"on\",\"x0\":\"0x"), "%s", answer);
	cr_expect(strstr(answer, "\"x30\":\"0xfedcba9876543210\""), "%s", answer);
	cr_expect(strstr(answer, "\"mpidr_el1\":\"0x0000000080000000\"}]}"), "%s", answer);
	answer = ask("{\"command\":\"registers\"}");
	cr_expect(strstr(answer, "{\"vcpu\":1,\"power\":\"off\""), "%s", answer);
	expect_state("running");
	ask_ok("pause");
	cr_expect(strstr(ask("{\"command\":\"registers\",\"vcpu\":1}"), "\"ok\":true"));
	expect_state("paused");
	quit();
}

Test(control, registers_of_no_vcpu)
{
	static const char *const vcpus[] = { "2", "-1", "\"0\"", "4294967296", "1.5", "null" };

	for (unsigned int i = 0; i < 6; i++) {
		char request[64];

		snprintf(request, sizeof(request), "{\"command\":\"registers\",\"vcpu\":%s}",
			 vcpus[i]);
		cr_expect_str_eq(ask(request), "{\"ok\":false,\"error\":\"\\\"vcpu\\\" is 0 to 1, "
					       "or left out for all\"}\n");
	}
	quit();
}

Test(control, registers_that_cannot_be_read)
{
	sim_fail(SIM_VCPU_GET_REGS, 1, EIO);
	cr_expect(strstr(ask("{\"command\":\"registers\"}"), "\"ok\":false"));
	expect_state("running");
	quit();
}

Test(control, counts_exits)
{
	const char *answer;

	machine_rig_play_read(LAYOUT_RTC_BASE);
	machine_rig_play_read(LAYOUT_RTC_BASE);
	sim_wait_idle(0);
	answer = ask("{\"command\":\"exits\"}");
	cr_expect(strstr(answer, "\"mmio\":2,"), "%s", answer);
	cr_expect(strstr(answer, "\"unknown\":0}"), "%s", answer);
	quit();
}
