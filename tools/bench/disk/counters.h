/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdint.h>
#include <sys/types.h>

/* What a process group has cost up to a moment. Meanings: the head of vmmcount.c. */
struct snapshot {
	uint64_t ns, exits, mmio, signals, hvcs, wfis, cpu_ns, switches, interrupts;
	uint64_t syscalls, user_exits, instructions;
};

/* What counters_start() counts. */
#define COUNT_CALLS	   1U /* system calls, and returns out of KVM_RUN */
#define COUNT_INSTRUCTIONS 2U /* by the processor, those of guests included; 0 where it cannot */

struct snapshot counters_snap(pid_t pid);

/* Counts @what of the threads in the group @pid, and of those they start, until stop. */
void counters_start(pid_t pid, unsigned int what);
void counters_stop(void);

/* Resident memory of @pid in KiB, without mappings of @guest_mib / 2 MiB and more; 0: of all. */
uint64_t counters_resident_kib(pid_t pid, uint64_t guest_mib);

/* The threads of vCPUs go to @cpu and those after it, all others to the CPU after these; -errno. */
int counters_pin(pid_t pid, int cpu);

#endif
