/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a program that has no test framework: any thread may make them. */
#ifndef ARCVISOR_TESTS_TSAN_CHECK_H
#define ARCVISOR_TESTS_TSAN_CHECK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic unsigned int nr_failed;

/* Counts a failure and says where; goes on. */
#define CHECK(ok)                                                                    \
	do {                                                                         \
		if (!(ok)) {                                                         \
			atomic_fetch_add(&nr_failed, 1);                             \
			fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #ok); \
		}                                                                    \
	} while (0)

/* What the test cannot go on without. */
#define NEED(ok)                                                                     \
	do {                                                                         \
		if (!(ok)) {                                                         \
			fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #ok); \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

static inline pthread_t check_spawn(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, run, arg) == 0);
	return thread;
}

/* Runs one test: true if it passed, with a line that says so. */
static inline bool check_run(const char *name, void (*test)(void))
{
	unsigned int before = atomic_load(&nr_failed);

	test();
	if (atomic_load(&nr_failed) == before)
		return true;
	fprintf(stderr, "failed: %s\n", name);
	return false;
}

static inline int check_end(unsigned int passed, unsigned int failed)
{
	fprintf(stderr, "%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}

#endif
