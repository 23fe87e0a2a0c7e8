/* SPDX-License-Identifier: Apache-2.0 */
/* What a host offers beside its hypervisor: gathered here as plain data, judged in doctor_report.h.
 */
#ifndef ARCVISOR_SRC_CTL_DOCTOR_HOST_H
#define ARCVISOR_SRC_CTL_DOCTOR_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_UNLIMITED UINT64_MAX	/* a limit that is not set */
#define HOST_UNKNOWN   (UINT64_MAX - 1) /* could not be read */

#define HOST_HUGETLB_SIZES 6 /* what stage 1 can map with granules of 4, 16 and 64 KiB */

struct host_hugetlb {
	uint64_t page_kib;
	uint64_t total, free; /* pages; HOST_UNKNOWN: the kernel has no pool of this size */
};

struct doctor_host {
	char machine[65], release[65]; /* uname(2) */
	uint64_t page_size;

	uint64_t cpu_implementer, cpu_part; /* MIDR_EL1 fields, or HOST_UNKNOWN */

	int io_uring;		    /* 0, or -errno of io_uring_setup(2) */
	uint64_t io_uring_disabled; /* kernel.io_uring_disabled, or HOST_UNKNOWN */

	char thp[16], thp_shmem[16]; /* the chosen word, or "" */
	struct host_hugetlb hugetlb[HOST_HUGETLB_SIZES];
	uint64_t memory_available; /* bytes, or HOST_UNKNOWN */

	uint64_t memlock, nofile, nproc;     /* soft limits: bytes, files, threads */
	uint64_t cgroup_memory, cgroup_pids; /* the tightest of this cgroup and those above */

	uint64_t halt_poll_ns; /* or HOST_UNKNOWN */
};

/*
 * Fills *@host. Files of /proc and /sys are read below @root, "" for the real ones; system calls
 * are always the real ones. Never fails: what cannot be read is marked so.
 */
void doctor_host_gather(const char *root, struct doctor_host *host);

/* "Neoverse N1", or NULL where the part is not known by name (MIDR_EL1, Arm DDI0487). */
const char *doctor_cpu_name(uint64_t implementer, uint64_t part);

#endif
