/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on a drive after its power was cut.
 *
 *   powercut LOG DRIVE SEED
 *
 * LOG is what armhost --disk DRIVE,log=LOG wrote before the emulator was killed. DRIVE is the drive
 * as it was before that run (the emulator wrote to the file itself: keep a copy). All that was
 * written before the last flush is put into DRIVE. Of what came after it, which was in the drive's
 * volatile cache, each sector gets there or not, as SEED decides: none of it, all, or some.
 *
 * Status 3: an entry before the last flush was still being logged when the emulator was killed, so
 * that what must be on the drive cannot be told. Run again.
 *
 * The format is that of Linux's dm-log-writes (Documentation/admin-guide/device-mapper).
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAGIC   0x6a736677736872u
#define LOG_VERSION 1u
#define FLUSH	    1u
#define DISCARD	    4u
#define KNOWN	    15u
#define MAX_SECTOR  65536u

struct super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector, count, flags, data_len;
};

struct cut {
	int log, drive;
	uint64_t sector_size, random;
	unsigned int keep;	      /* of what was not flushed, in quarters */
	uint64_t flushed, kept, lost; /* sectors */
};

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fputs("powercut: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* splitmix64 */
static uint64_t next_random(struct cut *cut)
{
	uint64_t x = cut->random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* False at the end of the log, or where it was not written. */
static bool read_entry(const struct cut *cut, uint64_t at, struct entry *out)
{
	struct entry e;

	if (pread(cut->log, &e, sizeof(e), (off_t)(at * cut->sector_size)) != sizeof(e))
		return false;
	out->sector = le64toh(e.sector);
	out->count = le64toh(e.count);
	out->flags = le64toh(e.flags);
	return !(out->flags & ~(uint64_t)KNOWN) && (out->count || out->flags & FLUSH);
}

static uint64_t data_sectors(const struct entry *e)
{
	return e->flags & DISCARD ? 0 : e->count;
}

/* The number of entries up to the last flush, it included; and where they end. */
static uint64_t find_last_flush(const struct cut *cut, uint64_t sure)
{
	uint64_t at = 1, last = 0;
	struct entry e;

	for (uint64_t i = 0; read_entry(cut, at, &e); i++) {
		at += 1 + data_sectors(&e);
		if (e.flags & FLUSH)
			last = i + 1;
		if (i + 1 >= sure)
			sure = 0;
	}
	if (sure) {
		fputs("powercut: the log has a hole before its last flush\n", stderr);
		exit(3);
	}
	return last;
}

static void apply(struct cut *cut, uint64_t at, const struct entry *e, bool flushed)
{
	char sector[MAX_SECTOR];
	ssize_t size = (ssize_t)cut->sector_size;

	for (uint64_t i = 0; i < data_sectors(e); i++) {
		if (!flushed && next_random(cut) % 4 >= cut->keep) {
			cut->lost++;
			continue;
		}
		/* Beyond the end: it was being logged, so it was never promised. */
		if (pread(cut->log, sector, (size_t)size, (off_t)(at + i) * size) != size) {
			if (flushed)
				die("the log ends before its last flush");
			return;
		}
		if (pwrite(cut->drive, sector, (size_t)size, (off_t)(e->sector + i) * size) != size)
			die("cannot write to the drive: %s", strerror(errno));
		flushed ? cut->flushed++ : cut->kept++;
	}
}

static void replay(struct cut *cut, uint64_t sure)
{
	uint64_t at = 1, last = find_last_flush(cut, sure);
	struct entry e;

	for (uint64_t i = 0; read_entry(cut, at, &e); i++) {
		apply(cut, at + 1, &e, i < last);
		at += 1 + data_sectors(&e);
	}
}

/* It is written at a flush: before the first, there are zeroes, and the sectors are QEMU's own. */
static void read_super(struct cut *cut, const char *name, struct super *super)
{
	static const struct super none;

	if (pread(cut->log, super, sizeof(*super), 0) != sizeof(*super))
		die("%s: nothing was written, or it is no log", name);
	if (!memcmp(super, &none, sizeof(none)))
		*super =
			(struct super){ htole64(LOG_MAGIC), htole64(LOG_VERSION), 0, htole32(512) };
	cut->sector_size = le32toh(super->sector_size);
	if (le64toh(super->magic) != LOG_MAGIC || le64toh(super->version) != LOG_VERSION ||
	    cut->sector_size < 512 || cut->sector_size > MAX_SECTOR)
		die("%s is no log of writes", name);
}

int main(int argc, char **argv)
{
	struct super super;
	struct cut cut;

	if (argc != 4)
		die("usage: powercut LOG DRIVE SEED");
	cut = (struct cut){ .random = strtoull(argv[3], NULL, 10) };
	cut.keep = (unsigned int)(next_random(&cut) % 5);
	cut.log = open(argv[1], O_RDONLY);
	cut.drive = open(argv[2], O_RDWR);
	if (cut.log < 0 || cut.drive < 0)
		die("cannot open %s: %s", cut.log < 0 ? argv[1] : argv[2], strerror(errno));
	read_super(&cut, argv[1], &super);
	replay(&cut, le64toh(super.entries));
	printf("powercut: %" PRIu64 " sectors flushed; of the cache %" PRIu64 " kept, %" PRIu64
	       " lost\n",
	       cut.flushed, cut.kept, cut.lost);
	return 0;
}
