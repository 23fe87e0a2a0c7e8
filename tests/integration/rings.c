/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/hvc_blk.h"
#include "boot/layout.h"

#define PAGE	 4096
#define CHUNK	 (256 * PAGE)
#define MAX_FD	 256
#define NONSENSE 0x5a5a5a5au

/* A queue's area begins with these, on a page of its own. */
struct area {
	struct hvc_blk_header header;
	struct hvc_blk_queue_config config;
};

/* The guest's memory is a file of the process. */
static int open_ram(pid_t pid)
{
	char path[32], target[64];

	for (int fd = 0; fd < MAX_FD; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strstr(target, "memfd:guest-ram"))
			return open(path, O_RDWR | O_CLOEXEC);
	}
	return -1;
}

/* The configuration says where its own header is: nothing else looks like that. */
static bool is_area(const struct area *area, uint64_t gpa, unsigned int dev)
{
	return area->config.header == gpa && area->config.dev == dev &&
	       area->config.sq == gpa + sizeof(*area) && area->config.sq_entries &&
	       area->config.cq == area->config.sq + 64ull * area->config.sq_entries;
}

/* In the memory at @at, which was read into @chunk. */
static unsigned int break_in(int ram, off_t at, const char *chunk, unsigned int dev)
{
	const uint32_t nonsense = NONSENSE;
	unsigned int broken = 0;

	for (off_t i = 0; i < CHUNK; i += PAGE) {
		uint64_t gpa = LAYOUT_RAM_BASE + (uint64_t)(at + i);
		off_t cq_head = at + i + (off_t)offsetof(struct hvc_blk_header, cq_head);

		if (!is_area((const struct area *)(chunk + i), gpa, dev))
			continue;
		cr_assert_eq(pwrite(ram, &nonsense, sizeof(nonsense), cq_head), 4);
		broken++;
	}
	return broken;
}

unsigned int rings_break(pid_t pid, unsigned int dev)
{
	static char chunk[CHUNK] __attribute__((aligned(8)));
	int ram = open_ram(pid);
	unsigned int broken = 0;
	off_t at = 0;

	cr_assert_geq(ram, 0, "arcvisor %d has no guest memory", (int)pid);
	/* What the guest never touched is a hole. */
	while ((at = lseek(ram, at, SEEK_DATA)) >= 0) {
		at -= at % CHUNK;
		cr_assert_eq(pread(ram, chunk, CHUNK, at), CHUNK);
		broken += break_in(ram, at, chunk, dev);
		at += CHUNK;
	}
	close(ram);
	return broken;
}
