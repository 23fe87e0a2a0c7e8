/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's counters of events, perf_event_open(2). */
#ifndef BENCH_EVENT_H
#define BENCH_EVENT_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/types.h>

/* The number of a tracepoint, such as "kvm/kvm_entry"; 0 where the kernel has none of that name. */
uint64_t tracepoint_id(const char *name);

/* A counter of @pid, on @cpu or with -1 on all: its file, or -errno. Sets attr->size. */
int event_open(struct perf_event_attr *attr, pid_t pid, int cpu);

#endif
