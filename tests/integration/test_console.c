/* SPDX-License-Identifier: Apache-2.0 */
/* The console as users meet it: terminals, pipes, files, pseudo terminals. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "machine.h"

#define ECHO_GUEST GUESTS "uart_echo.img"
#define SPIN_GUEST GUESTS "spin.img"

static struct termios mode_of(const struct machine *machine)
{
	struct termios mode;

	cr_assert_eq(tcgetattr(machine->out, &mode), 0);
	return mode;
}

Test(console, a_terminal_is_raw_while_the_guest_runs)
{
	struct machine machine;

	machine_start_tty(&machine, MACHINE_ARGS("run", "--kernel", SPIN_GUEST));
	cr_assert(machine_expect(&machine, "spinning"));
	cr_expect_eq(mode_of(&machine).c_lflag & (ICANON | ECHO | ISIG), 0);
	machine_send(&machine, "\1x");
	machine_wait(&machine);
	machine_fini(&machine);
}

/*
 * Ends a guest on a terminal in some way and looks at the terminal afterwards. A descriptor of
 * the terminal's own side stays open here, so that it outlives arcvisor.
 */
static void restores_terminal(void (*end)(struct machine *machine), int want)
{
	struct machine machine;
	struct termios after;
	int slave, status;

	machine_start_tty(&machine,
			  MACHINE_ARGS("run", "--kernel", SPIN_GUEST, "--stop-timeout", "0"));
	slave = open(ptsname(machine.out), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(slave, 0);
	cr_assert(machine_expect(&machine, "spinning"));
	end(&machine);
	while (waitpid(machine.pid, &status, 0) != machine.pid)
		;
	machine.pid = 0;
	after = mode_of(&machine);
	cr_expect_eq(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), want);
	cr_expect_eq(after.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
	cr_expect(after.c_iflag & ICRNL);
	close(slave);
	machine_fini(&machine);
}

static void end_by_escape(struct machine *machine)
{
	machine_send(machine, "\1x");
}

static void end_by_sigterm(struct machine *machine)
{
	kill(machine->pid, SIGTERM);
}

static void end_by_sigsegv(struct machine *machine)
{
	kill(machine->pid, SIGSEGV);
}

Test(console, escape_x_ends_and_restores_the_terminal)
{
	restores_terminal(end_by_escape, 0);
}

Test(console, sigterm_restores_the_terminal)
{
	restores_terminal(end_by_sigterm, 5);
}

Test(console, a_crash_restores_the_terminal)
{
	restores_terminal(end_by_sigsegv, 128 + SIGSEGV);
}

Test(console, escape_h_helps)
{
	struct machine machine;

	machine_start_tty(&machine, MACHINE_ARGS("run", "--kernel", SPIN_GUEST));
	cr_assert(machine_expect(&machine, "spinning"));
	machine_send(&machine, "\1h");
	cr_expect(machine_expect(&machine, "Ctrl-A"), "%s", machine.text);
	machine_send(&machine, "\1x");
	cr_expect_eq(machine_wait(&machine), 0);
	machine_fini(&machine);
}

/* The guest gets one Ctrl-A for two, and it echoes what it gets. */
Test(console, escape_twice_sends_one)
{
	struct machine machine;

	machine_start_tty(&machine, MACHINE_ARGS("run", "--kernel", ECHO_GUEST));
	cr_assert(machine_expect(&machine, "echo ready"));
	machine_send(&machine, "a\1\1bq");
	cr_expect_eq(machine_wait(&machine), 0);
	cr_expect(strstr(machine.text, "a\1b"), "%s", machine.text);
	machine_fini(&machine);
}

/* On a pipe nothing is an escape. */
Test(console, a_pipe_passes_ctrl_a)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", ECHO_GUEST));
	cr_assert(machine_expect(&machine, "echo ready"));
	machine_send(&machine, "a\1xq");
	cr_expect_eq(machine_wait(&machine), 0);
	cr_expect(strstr(machine.text, "a\1x"), "%s", machine.text);
	machine_fini(&machine);
}

/* Typed before the guest listens, as a script does: not a byte of it is lost. */
Test(console, input_ahead_of_the_guest_waits_for_it)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", ECHO_GUEST));
	machine_send(&machine, "early bird, forty bytes and some more: !q");
	cr_expect_eq(machine_wait(&machine), 0);
	cr_expect(strstr(machine.text, "early bird, forty bytes and some more: !"), "%s",
		  machine.text);
	machine_fini(&machine);
}

/* More than any FIFO holds, in one piece: nothing is lost or turned around. */
Test(console, a_burst_of_input_arrives_whole)
{
	struct machine machine;
	char text[2049];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('A' + i % 16);
	text[sizeof(text) - 1] = '\0';
	machine_start(&machine, MACHINE_ARGS("run", "--kernel", ECHO_GUEST));
	cr_assert(machine_expect(&machine, "echo ready"));
	machine_send(&machine, text);
	machine_send(&machine, "q");
	cr_expect_eq(machine_wait(&machine), 0);
	cr_expect(strstr(machine.text, text), "%s", machine.text);
	machine_fini(&machine);
}

Test(console, a_file_gets_the_output)
{
	struct machine machine;
	char text[4096] = "";
	int status, fd;

	status = machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "boot_regs.img",
						    "--console", "/tmp/console.log"));
	cr_expect_eq(status, 0, "%s", machine.errors);
	cr_expect_str_empty(machine.text);
	fd = open("/tmp/console.log", O_RDONLY);
	cr_expect_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	cr_expect(strstr(text, "done "), "%s", text);
	machine_fini(&machine);
}

Test(console, none_drops_the_output)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "boot_regs.img",
							"--console", "none")),
		     0);
	cr_expect_str_empty(machine.text);
	machine_fini(&machine);
}

/* Appends what @fd gives to @text until @want is in it. */
static void read_until(int fd, char *text, size_t size, const char *want)
{
	while (!strstr(text, want)) {
		size_t len = strlen(text);
		ssize_t n = read(fd, text + len, size - len - 1);

		cr_assert_gt(n, 0, "no '%s' in: %s", want, text);
		text[len + (size_t)n] = '\0';
	}
}

/* The name of the pseudo terminal is said on standard error; who opens it has the console. */
Test(console, a_pty_is_a_console)
{
	struct machine machine;
	char text[8192] = "";
	char *name, *end;
	int fd;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", ECHO_GUEST, "--console", "pty"));
	while (!(name = strstr(machine.errors, "/dev/pts/")) || !strchr(name, '\n'))
		cr_assert(machine_pump(&machine), "%s", machine.errors);
	end = name + strcspn(name, " \r\n,;");
	*end = '\0';
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", name);
	read_until(fd, text, sizeof(text), "echo ready");
	cr_expect_eq(write(fd, "hello q", 7), 7);
	read_until(fd, text, sizeof(text), "hello ");
	cr_expect_eq(machine_wait(&machine), 0);
	close(fd);
	machine_fini(&machine);
}
