/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a pmem device: a file or block device, opened, checked, locked as disks are,
 * and mapped shared, so that a guest's loads and stores are of the host's page cache.
 *
 * Nobody in this process reads or writes what is mapped: the guest alone does, through KVM. Where
 * the file got shorter, or the host's file system has no room for a hole that is written, that
 * guest's access fails and its vCPU cannot go on; in this process it would be a SIGBUS.
 *
 * Opened before anything is created, closed after the VM. pmem_flush() from any thread.
 */
#ifndef ARCVISOR_PMEM_PMEM_H
#define ARCVISOR_PMEM_PMEM_H

#include <stdbool.h>
#include <stdint.h>

#define PMEM_ALIGN  (2ull << 20) /* what Linux wants a region's ends to be multiples of */
#define PMEM_ID_MAX 32u

/* One device. Plain data. */
struct pmem_config {
	const char *path;
	char id[PMEM_ID_MAX + 1]; /* name in messages and for ctl; "pmem0", ... by default */
	bool writable;
};

struct pmem;

/*
 * A file that is written must be a multiple of PMEM_ALIGN; one that is only read gets zeroes behind
 * its end up to the next. 0, or -errno after one line in the log. @config outlives it.
 */
int pmem_open(const struct pmem_config *config, struct pmem **out);
void pmem_close(struct pmem *pmem); /* NULL is fine */

const struct pmem_config *pmem_config(const struct pmem *pmem);

/* Where it is mapped, at a multiple of PMEM_ALIGN, and for how many bytes: a multiple as well. */
void *pmem_host(const struct pmem *pmem);
uint64_t pmem_size(const struct pmem *pmem);

/* What was written is on the host's disk. 0 or -errno. Waits for it. */
int pmem_flush(struct pmem *pmem);

#endif
