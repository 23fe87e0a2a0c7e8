/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define DEADLINE_MS  (300 * 1000) /* a hang, on the slowest machine */
#define MAX_ARGS     64
#define ARCVISOR     "./arcvisor"
#define READ_AT_ONCE 4096

void (*machine_before_exec)(void);

static void exec_arcvisor(const char *const *args)
{
	const char *argv[MAX_ARGS + 2] = { ARCVISOR };
	int n = 1;

	for (; *args && n <= MAX_ARGS; args++)
		argv[n++] = *args;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (machine_before_exec)
		machine_before_exec();
	execv(ARCVISOR, (char *const *)argv);
	_exit(127);
}

static void init(struct machine *machine)
{
	*machine = (struct machine){ .in = -1, .out = -1, .err = -1 };
	machine->text = calloc(1, 1);
	machine->errors = calloc(1, 1);
}

static void make_pipe(int ends[2])
{
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0, "pipe: %s", strerror(errno));
}

void machine_start(struct machine *machine, const char *const *args)
{
	int in[2], out[2], err[2];

	init(machine);
	make_pipe(in);
	make_pipe(out);
	make_pipe(err);
	machine->pid = fork();
	cr_assert_geq(machine->pid, 0);
	if (machine->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		exec_arcvisor(args);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	machine->in = in[1];
	machine->out = out[0];
	machine->err = err[0];
}

void machine_start_tty(struct machine *machine, const char *const *args)
{
	int master;

	init(machine);
	machine->pid = forkpty(&master, NULL, NULL, NULL);
	cr_assert_geq(machine->pid, 0, "forkpty: %s", strerror(errno));
	if (machine->pid == 0)
		exec_arcvisor(args);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	machine->in = master;
	machine->out = master;
}

/* Appends what @fd has; closes it at its end. A terminal whose other side closed says EIO. */
static void drain(int *fd, char **text, size_t *len)
{
	ssize_t n;

	*text = realloc(*text, *len + READ_AT_ONCE + 1);
	n = read(*fd, *text + *len, READ_AT_ONCE);
	if (n > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (!(*text)[*len + (size_t)i])
				(*text)[*len + (size_t)i] = '~'; /* a zero would end the text */
		*len += (size_t)n;
		(*text)[*len] = '\0';
	} else if (n == 0 || errno != EINTR) {
		close(*fd);
		*fd = -1;
	}
}

bool machine_pump(struct machine *machine)
{
	struct pollfd fds[2] = {
		{ .fd = machine->out, .events = POLLIN },
		{ .fd = machine->err, .events = POLLIN },
	};
	bool shared = machine->in == machine->out;
	int n;

	if (machine->out < 0 && machine->err < 0)
		return false;
	n = poll(fds, 2, DEADLINE_MS);
	cr_assert(n > 0 || (n < 0 && errno == EINTR), "arcvisor hangs; its output was:\n%s\n%s",
		  machine->text, machine->errors);
	if (n < 0)
		return true;
	if (fds[0].revents)
		drain(&machine->out, &machine->text, &machine->len);
	if (fds[1].revents)
		drain(&machine->err, &machine->errors, &machine->errors_len);
	if (shared)
		machine->in = machine->out;
	return true;
}

bool machine_expect(struct machine *machine, const char *text)
{
	for (;;) {
		const char *found = strstr(machine->text + machine->seen, text);

		if (found) {
			machine->seen = (size_t)(found - machine->text) + strlen(text);
			return true;
		}
		if (!machine_pump(machine))
			return false;
	}
}

void machine_send(struct machine *machine, const char *text)
{
	ssize_t len = (ssize_t)strlen(text);

	cr_assert_eq(write(machine->in, text, (size_t)len), len);
}

void machine_close_input(struct machine *machine)
{
	if (machine->in >= 0 && machine->in != machine->out)
		close(machine->in);
	machine->in = -1;
}

int machine_wait(struct machine *machine)
{
	int status;

	while (machine_pump(machine))
		;
	cr_assert_eq(waitpid(machine->pid, &status, 0), machine->pid);
	machine->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void machine_fini(struct machine *machine)
{
	machine_close_input(machine);
	if (machine->out >= 0)
		close(machine->out);
	if (machine->err >= 0)
		close(machine->err);
	if (machine->pid > 0) {
		kill(machine->pid, SIGKILL);
		waitpid(machine->pid, NULL, 0);
	}
	free(machine->text);
	free(machine->errors);
}

unsigned int count_text(const char *text, const char *needle)
{
	unsigned int n = 0;

	for (; (text = strstr(text, needle)); text += strlen(needle))
		n++;
	return n;
}

int machine_run(struct machine *machine, const char *const *args)
{
	machine_start(machine, args);
	machine_close_input(machine);
	return machine_wait(machine);
}

void machine_ctl(const char *socket, const char *command, const char *argument)
{
	struct machine client;

	cr_expect_eq(machine_run(&client, MACHINE_ARGS("ctl", socket, command, argument)), 0,
		     "%s: %s", command, client.errors);
	machine_fini(&client);
}

unsigned long long machine_counter(const char *socket, const char *name)
{
	unsigned long long value;
	struct machine client;
	const char *at;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", socket, "status")), 0, "%s",
		     client.errors);
	at = strstr(client.text, name);
	cr_assert(at, "no %s in: %s", name, client.text);
	value = strtoull(at + strlen(name), NULL, 10);
	machine_fini(&client);
	return value;
}

void machine_file(const char *path, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(ftruncate(fd, size), 0);
	close(fd);
}
