/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one VMM that a benchmark's program runs and watches: its process, and its console as lines.
 *
 * What goes wrong ends both, with status 1 and a line on standard error.
 */
#ifndef BENCH_VMM_H
#define BENCH_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

extern struct vmm {
	pid_t pid;		 /* its process group, too */
	int in, out;		 /* the other ends of its standard input and output */
	const uint64_t *exec_ns; /* when it was executed; 0 before */
	char last[256];		 /* of vmm_line(): the last line with something in it */
} vmm;

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* A process that becomes the VMM @argv when vmm_go() says so. */
void vmm_start(char **argv);
void vmm_go(void);

/*
 * The next line of its output, without its end and cut to @size - 1 bytes; false at the end of all.
 * One that says nothing for @silence_ms hangs: that ends it all.
 */
bool vmm_line(char *line, size_t size, int silence_ms);

#endif
