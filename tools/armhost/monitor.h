/*
 * Where the processors of a host that stopped are, asked of the emulator's monitor (QEMU's "human"
 * one): registers, and the return addresses on their stacks. A few times, since a processor that
 * loops is in several places.
 */
#ifndef ARMHOST_MONITOR_H
#define ARMHOST_MONITOR_H

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONITOR_PROMPT	  "(qemu) "
#define MONITOR_WAIT_MS	  5000 /* for each piece of an answer */
#define MONITOR_LOOKS	  3
#define MONITOR_CALLERS	  24 /* frames of a stack */
#define MONITOR_LOWEST_VA 0xffff000000000000u

struct monitor {
	int fd;
	size_t len;
	char text[65536];
};

/* Reads on until a prompt ends what is there; false where none comes. */
static inline bool monitor_read(struct monitor *m)
{
	static const size_t prompt = sizeof(MONITOR_PROMPT) - 1;

	for (m->len = 0; m->len < sizeof(m->text) - 1;) {
		struct pollfd pfd = { .fd = m->fd, .events = POLLIN };
		ssize_t n;

		if (poll(&pfd, 1, MONITOR_WAIT_MS) <= 0)
			return false;
		n = read(m->fd, m->text + m->len, sizeof(m->text) - 1 - m->len);
		if (n <= 0)
			return false;
		m->len += (size_t)n;
		m->text[m->len] = '\0';
		if (m->len >= prompt && !strcmp(m->text + m->len - prompt, MONITOR_PROMPT))
			return true;
	}
	return false;
}

/* Returns the answer, without the command's echo, until the next call; NULL where there is none. */
static inline const char *monitor_ask(struct monitor *m, const char *command)
{
	char *answer;

	if (dprintf(m->fd, "%s\n", command) < 0 || !monitor_read(m))
		return NULL;
	answer = strchr(m->text, '\n');
	return answer ? answer + 1 : NULL;
}

/* The number after @name in an answer; 0 where it is not there. */
static inline uint64_t monitor_register(const char *answer, const char *name)
{
	const char *found = strstr(answer, name);

	return found ? strtoull(found + strlen(name), NULL, 16) : 0;
}

/* Each frame record is the caller's frame and the return address (AAPCS64, "The Frame Pointer"). */
static inline void monitor_show_callers(struct monitor *m, uint64_t frame)
{
	for (int i = 0; i < MONITOR_CALLERS && frame >= MONITOR_LOWEST_VA; i++) {
		char command[48];
		const char *answer;
		unsigned long long next, back;

		snprintf(command, sizeof(command), "x /2gx 0x%llx", (unsigned long long)frame);
		answer = monitor_ask(m, command);
		if (!answer || sscanf(answer, "%*[^:]: %llx %llx", &next, &back) != 2)
			return;
		fprintf(stderr, "    back to %016llx\n", back);
		if (next == frame)
			return;
		frame = next;
	}
}

static inline bool monitor_show_cpu(struct monitor *m, unsigned int cpu, bool callers)
{
	char command[32];
	const char *answer, *state;

	snprintf(command, sizeof(command), "cpu %u", cpu);
	answer = monitor_ask(m, command);
	if (!answer || strncmp(answer, MONITOR_PROMPT, sizeof(MONITOR_PROMPT) - 1) != 0)
		return false; /* it has an answer only where there is no such processor */
	answer = monitor_ask(m, "info registers");
	if (!answer)
		return false;
	state = strstr(answer, "PSTATE=");
	fprintf(stderr, "  processor %u at %016llx from %016llx, x0 %llx, %.*s\n", cpu,
		(unsigned long long)monitor_register(answer, "PC="),
		(unsigned long long)monitor_register(answer, "X30="),
		(unsigned long long)monitor_register(answer, "X00="),
		state ? (int)strcspn(state, "\r\n") : 0, state ? state : "");
	if (callers)
		monitor_show_callers(m, monitor_register(answer, "X29="));
	return true;
}

/* To standard error. @fd: the monitor's socket, which nobody has read yet. */
static inline void monitor_show(int fd)
{
	static struct monitor monitor;

	monitor.fd = fd;
	if (!monitor_read(&monitor))
		return;
	for (int look = 0; look < MONITOR_LOOKS; look++)
		for (unsigned int cpu = 0; monitor_show_cpu(&monitor, cpu, look == 0); cpu++)
			;
}

#endif
