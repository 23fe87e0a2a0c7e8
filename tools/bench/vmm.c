/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct vmm vmm = { .pid = -1 };
static int go;

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (vmm.pid > 0)
		kill(vmm.pid, SIGKILL);
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void __attribute__((noreturn)) become(char **argv, int hold, uint64_t *exec_ns)
{
	char byte;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(hold, &byte, 1) == 1) {
		*exec_ns = now_ns();
		execvp(argv[0], argv);
		fprintf(stderr, "%s: cannot run %s: %s\n", program_invocation_short_name, argv[0],
			strerror(errno));
	}
	_exit(127);
}

void vmm_start(char **argv)
{
	int hold[2], in[2], out[2];
	uint64_t *exec_ns = mmap(NULL, sizeof(*exec_ns), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (exec_ns == MAP_FAILED || pipe2(hold, O_CLOEXEC) || pipe2(in, O_CLOEXEC) ||
	    pipe2(out, O_CLOEXEC))
		die("cannot set up: %s", strerror(errno));
	vmm.pid = fork();
	if (vmm.pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (vmm.pid == 0) {
		if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			_exit(127);
		/* Where this program dies before it says go, there is nothing to read. */
		close(hold[1]);
		become(argv, hold[0], exec_ns);
	}
	close(hold[0]);
	close(in[0]);
	close(out[1]);
	go = hold[1];
	vmm.in = in[1];
	vmm.out = out[0];
	vmm.exec_ns = exec_ns;
}

void vmm_go(void)
{
	if (write(go, "", 1) != 1)
		die("cannot start the VMM");
}

/* What there is of the output, a byte at a time; false at its end. */
static bool next_byte(char *byte, int silence_ms)
{
	static char buf[4096];
	static size_t len, at;
	struct pollfd pfd = { .fd = vmm.out, .events = POLLIN };
	ssize_t got;

	if (at == len) {
		if (poll(&pfd, 1, silence_ms) == 0)
			die("silent for %d s after: %s", silence_ms / 1000, vmm.last);
		got = read(vmm.out, buf, sizeof(buf));
		if (got <= 0)
			return false;
		len = (size_t)got;
		at = 0;
	}
	*byte = buf[at++];
	return true;
}

bool vmm_line(char *line, size_t size, int silence_ms)
{
	size_t n = 0;
	char c;

	line[0] = '\0';
	while (next_byte(&c, silence_ms)) {
		if (c == '\n') {
			if (n)
				snprintf(vmm.last, sizeof(vmm.last), "%.*s",
					 (int)sizeof(vmm.last) - 1, line);
			return true;
		}
		if (c == '\r' || n + 1 >= size)
			continue;
		line[n++] = c;
		line[n] = '\0';
	}
	return false;
}
