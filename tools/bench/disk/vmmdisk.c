/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a VMM whose guest measures its disk (tools/bench/disk/guest.sh), and passes on what the
 * guest says, with what that cost the host. tools/bench/disk/in-host runs it in the emulated host.
 *
 *   vmmdisk [--count] [--symbols FILE] -- VMM ARG...
 *
 * The guest prints "bench: ready" before each case and waits for a line; then the case's result,
 * "how=...", and at the end "bench: done". Each result is printed with these, of the whole case:
 *
 *   exits      from the guest, those that KVM handles included
 *   user_exits exits to the VMM for memory-mapped I/O, and for signals
 *   hvcs       HVC instructions
 *   wfis       WFI instructions that trapped
 *   syscalls   of the VMM's threads; with --count, which disturbs the times by a few percent
 *
 * --symbols: where the VMM's code lies (lines of /proc/PID/maps after "map "), and the lines of the
 * guest's console that begin with "sym ", go to FILE.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEFS "/sys/kernel/tracing"
#define KVMFS	"/sys/kernel/debug/kvm/"
/* A guest that says nothing for so long (of the host's clock) hangs. */
#define SILENCE_MS 120000

struct snapshot {
	uint64_t exits, mmio, signals, hvcs, wfis, syscalls;
};

static pid_t vmm = -1;
static int syscalls_fd = -1;
static FILE *symbols;

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fputs("vmmdisk: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (vmm > 0)
		kill(vmm, SIGKILL);
	exit(1);
}

static uint64_t read_number(const char *path)
{
	uint64_t value = 0;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%" SCNu64, &value) != 1)
		die("cannot read %s", path);
	fclose(f);
	return value;
}

static struct snapshot snap(void)
{
	struct snapshot s = {
		.exits = read_number(KVMFS "exits"),
		.mmio = read_number(KVMFS "mmio_exit_user"),
		.signals = read_number(KVMFS "signal_exits"),
		.hvcs = read_number(KVMFS "hvc_exit_stat"),
		.wfis = read_number(KVMFS "wfi_exit_stat"),
	};

	if (syscalls_fd >= 0 &&
	    read(syscalls_fd, &s.syscalls, sizeof(s.syscalls)) != sizeof(s.syscalls))
		die("cannot read the counter of system calls");
	return s;
}

/* Counts what the VMM and its threads call, from its exec on. */
static void count_syscalls(pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_TRACEPOINT,
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
	};

	if (access(TRACEFS "/events", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	attr.config = read_number(TRACEFS "/events/raw_syscalls/sys_enter/id");
	syscalls_fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (syscalls_fd < 0)
		die("cannot count system calls: %s", strerror(errno));
}

/* Starts the VMM, which waits until @go is written. */
static void start(char **argv, int *go, int *in, int *out)
{
	int hold[2], stdin_pipe[2], stdout_pipe[2];
	char byte;

	if (pipe2(hold, O_CLOEXEC) || pipe2(stdin_pipe, O_CLOEXEC) || pipe2(stdout_pipe, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	vmm = fork();
	if (vmm == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(stdin_pipe[0], STDIN_FILENO);
		dup2(stdout_pipe[1], STDOUT_FILENO);
		if (read(hold[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	close(stdin_pipe[0]);
	close(stdout_pipe[1]);
	*go = hold[1];
	*in = stdin_pipe[1];
	*out = stdout_pipe[0];
}

/* The next line of the console, without its end; false at the end of all. */
static bool read_line(int fd, char *line, size_t size)
{
	static char buf[4096];
	static size_t len, at;
	size_t n = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t got;

		while (at < len) {
			char c = buf[at++];

			if (c == '\n') {
				line[n] = '\0';
				return true;
			}
			if (c != '\r' && n + 1 < size)
				line[n++] = c;
		}
		if (poll(&pfd, 1, SILENCE_MS) == 0)
			die("the guest has hung after: %.200s", buf);
		got = read(fd, buf, sizeof(buf));
		if (got <= 0)
			return false;
		len = (size_t)got;
		at = 0;
	}
}

static void report(const char *result, const struct snapshot *a, const struct snapshot *b)
{
	printf("%s exits=%" PRIu64 " user_exits=%" PRIu64 " hvcs=%" PRIu64 " wfis=%" PRIu64, result,
	       b->exits - a->exits, b->mmio - a->mmio + b->signals - a->signals, b->hvcs - a->hvcs,
	       b->wfis - a->wfis);
	if (syscalls_fd >= 0)
		printf(" syscalls=%" PRIu64, b->syscalls - a->syscalls);
	putchar('\n');
}

/* Once, when all of it is loaded. */
static void print_maps(void)
{
	static bool printed;
	char path[64], line[512];
	FILE *maps;

	if (!symbols || printed)
		return;
	printed = true;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)vmm);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, " r-xp "))
			fprintf(symbols, "map %s", line);
	if (maps)
		fclose(maps);
}

static void parse(int argc, char **argv, int *first, bool *count)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--count")) {
			*count = true;
		} else if (!strcmp(argv[i], "--symbols") && i + 1 < argc) {
			symbols = fopen(argv[++i], "a");
			if (!symbols)
				die("cannot write %s: %s", argv[i], strerror(errno));
		} else {
			die("unknown argument %s", argv[i]);
		}
	}
	if (i + 1 >= argc)
		die("usage: vmmdisk [--count] [--symbols FILE] -- VMM ARG...");
	*first = i + 1;
}

int main(int argc, char **argv)
{
	struct snapshot before = { 0 }, after;
	bool count = false, done = false;
	int go, in, out, first, status;
	char line[512];

	parse(argc, argv, &first, &count);
	setbuf(stdout, NULL);
	start(argv + first, &go, &in, &out);
	if (count)
		count_syscalls(vmm);
	if (write(go, "", 1) != 1)
		die("cannot start the VMM");
	while (read_line(out, line, sizeof(line))) {
		if (strstr(line, "bench: ready")) {
			print_maps();
			before = snap();
			if (write(in, "\n", 1) != 1)
				die("the VMM takes no input");
		} else if (!strncmp(line, "how=", 4)) {
			after = snap();
			report(line, &before, &after);
		} else if (symbols && !strncmp(line, "sym ", 4)) {
			fprintf(symbols, "%s\n", line);
		} else if (strstr(line, "bench: done")) {
			done = true;
		} else if (strstr(line, "blkbench:")) {
			die("in the guest: %s", line);
		}
	}
	if (waitpid(vmm, &status, 0) != vmm || !WIFEXITED(status) || WEXITSTATUS(status) || !done)
		die("the VMM failed (status %#x, last line: %s)", (unsigned int)status, line);
	return 0;
}
