/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has below it in a stress test: a file in memory, and interrupts that are counted.
 */
#ifndef ARCVISOR_TESTS_TSAN_HOST_H
#define ARCVISOR_TESTS_TSAN_HOST_H

#include <sys/mman.h>
#include <unistd.h>

#include "backend/backend.h"
#include "block/disk.h"
#include "check.h"

static _Atomic unsigned int nr_edges; /* of all lines */

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&nr_edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

struct host_file {
	char path[64];
	struct disk_config config;
};

/* Opens a disk as @like has it, on a new file of @size bytes; @file outlives it. */
static inline struct disk *host_disk(struct host_file *file, const struct disk_config *like,
				     off_t size)
{
	int fd = memfd_create("stress", MFD_CLOEXEC);
	struct disk *disk;

	NEED(fd >= 0 && ftruncate(fd, size) == 0);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", fd);
	file->config = *like;
	file->config.path = file->path;
	NEED(disk_open(&file->config, &disk) == 0);
	close(fd);
	return disk;
}

#endif
