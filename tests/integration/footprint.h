/* SPDX-License-Identifier: Apache-2.0 */
/* What arcvisor takes of the host, of which a guest must not be able to get ever more. */
#ifndef ARCVISOR_TESTS_FOOTPRINT_H
#define ARCVISOR_TESTS_FOOTPRINT_H

#include <sys/types.h>

struct footprint {
	unsigned long anon_kb; /* its own memory, where the guest's is a file (shared=on) */
	unsigned long threads, fds;
};

/* Of the process @pid, now. */
struct footprint footprint_of(pid_t pid);

/*
 * That @last has as many descriptors as @first, at most @workers more threads, which the kernel's
 * io_uring and pools start when requests wait, and at most @slack KiB more memory.
 */
void footprint_expect_same(const struct footprint *first, const struct footprint *last,
			   unsigned long workers, unsigned long slack);

#endif
