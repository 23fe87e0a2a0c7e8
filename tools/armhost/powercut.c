/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on a drive after its power was cut.
 *
 *   powercut LOG DRIVE SEED [FROM UNTIL]
 *
 * LOG is what armhost --disk DRIVE,log=LOG wrote before the emulator was killed. DRIVE is the drive
 * as it was before that run (the emulator wrote to the file itself: keep a copy). All that was
 * written before the last flush is put into DRIVE. Of what came after it, which was in the drive's
 * volatile cache, each sector gets there or not, as SEED decides: none of it, or up to three of
 * four.
 *
 * The power is cut where the emulator was killed; or, with FROM and UNTIL, between two entries that
 * are logged within these bytes of LOG, as SEED decides, where the cache was at least half as full
 * as it ever was between them. Whatever was reported when LOG was not longer than the byte that is
 * printed has been logged before it, so that it must be there.
 *
 * Status 3: an entry before the last flush (or before FROM) was still being logged when the
 * emulator was killed, so that what must be on the drive cannot be told. Run again.
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
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAGIC   0x6a736677736872u
#define LOG_VERSION 1u
#define FLUSH	    1u
#define FUA	    2u
#define DISCARD	    4u
#define KNOWN	    15u
#define MIN_SECTOR  512u
#define MAX_SECTOR  65536u

struct super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector, count, flags, data_len;
};

/* Between two entries of the log. */
struct place {
	uint64_t at;	    /* sectors of the log before it, the super block's among them */
	uint64_t entries;   /* before it */
	uint64_t flushed;   /* entries up to the last flush, it included */
	uint64_t unflushed; /* sectors written since */
};

struct cut {
	int log, drive;
	uint64_t sector_size, random;
	uint64_t from, until;	      /* bytes */
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

/*
 * False at the end of the log, or where none was written, or what is none: QEMU before 9.0 can log
 * zeroes over another entry.
 */
static bool read_entry(const struct cut *cut, uint64_t at, struct entry *out)
{
	static const char zeroes[MIN_SECTOR];
	char sector[MIN_SECTOR];
	struct entry e;

	if (pread(cut->log, sector, sizeof(sector), (off_t)(at * cut->sector_size)) !=
	    sizeof(sector))
		return false;
	memcpy(&e, sector, sizeof(e));
	out->sector = le64toh(e.sector);
	out->count = le64toh(e.count);
	out->flags = le64toh(e.flags);
	return !(out->flags & ~(uint64_t)KNOWN) && (out->count || out->flags & FLUSH) &&
	       !memcmp(sector + sizeof(e), zeroes, sizeof(zeroes) - sizeof(e));
}

static uint64_t data_sectors(const struct entry *e)
{
	return e->flags & DISCARD ? 0 : e->count;
}

static const struct place beginning = { .at = 1 };

/* Over the next entry; false at the end of the log. */
static bool advance(const struct cut *cut, struct place *place)
{
	struct entry e;

	if (!read_entry(cut, place->at, &e))
		return false;
	place->at += 1 + data_sectors(&e);
	place->entries++;
	if (e.flags & FLUSH) {
		place->flushed = place->entries;
		place->unflushed = 0;
	} else if (!(e.flags & FUA)) {
		place->unflushed += data_sectors(&e);
	}
	return true;
}

static void __attribute__((noreturn)) has_hole(void)
{
	fputs("powercut: the log has a hole before what must be there\n", stderr);
	exit(3);
}

/* Where the emulator was killed. @sure: entries that the log counts. */
static struct place find_end(const struct cut *cut, uint64_t sure)
{
	struct place place = beginning;

	while (advance(cut, &place))
		continue;
	if (place.entries < sure)
		has_hole();
	return place;
}

/* The next place that is not behind the last one allowed. */
static bool advance_within(const struct cut *cut, struct place *place)
{
	struct place next = *place;

	if (!advance(cut, &next) || next.at * cut->sector_size > cut->until)
		return false;
	*place = next;
	return true;
}

static struct place choose(struct cut *cut)
{
	struct place place = beginning, chosen;
	uint64_t most = 0, seen = 0;

	while (advance_within(cut, &place))
		if (place.at * cut->sector_size >= cut->from && place.unflushed > most)
			most = place.unflushed;
	chosen = place;
	place = beginning;
	while (advance_within(cut, &place)) {
		if (place.at * cut->sector_size < cut->from || place.unflushed < (most + 1) / 2)
			continue;
		if (next_random(cut) % ++seen == 0)
			chosen = place;
	}
	return chosen;
}

/* Where nothing is written between the two bytes, the cut is anywhere there. */
static struct place find_place(struct cut *cut)
{
	struct place place = choose(cut);
	struct stat st;

	if (place.at * cut->sector_size >= cut->from) {
		cut->until = place.at * cut->sector_size;
		return place;
	}
	if (fstat(cut->log, &st) < 0 || (uint64_t)st.st_size > place.at * cut->sector_size)
		has_hole();
	return place;
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

static void replay(struct cut *cut, const struct place *end)
{
	struct place place = beginning;
	struct entry e;

	while (place.entries < end->entries && read_entry(cut, place.at, &e)) {
		apply(cut, place.at + 1, &e, place.entries < end->flushed || (e.flags & FUA) != 0);
		advance(cut, &place);
	}
}

/* It is written at a flush: before the first, there are zeroes, and the sectors are QEMU's own. */
static void read_super(struct cut *cut, const char *name, struct super *super)
{
	static const struct super none;

	*super = none; /* nothing was written, then */
	if (pread(cut->log, super, sizeof(*super), 0) < 0)
		die("%s: cannot be read: %s", name, strerror(errno));
	if (!memcmp(super, &none, sizeof(none)))
		*super =
			(struct super){ htole64(LOG_MAGIC), htole64(LOG_VERSION), 0, htole32(512) };
	cut->sector_size = le32toh(super->sector_size);
	if (le64toh(super->magic) != LOG_MAGIC || le64toh(super->version) != LOG_VERSION ||
	    cut->sector_size < MIN_SECTOR || cut->sector_size > MAX_SECTOR)
		die("%s is no log of writes", name);
}

int main(int argc, char **argv)
{
	struct super super;
	struct place place;
	struct cut cut;

	if (argc != 4 && argc != 6)
		die("usage: powercut LOG DRIVE SEED [FROM UNTIL]");
	cut = (struct cut){ .random = strtoull(argv[3], NULL, 10) };
	cut.keep = (unsigned int)(next_random(&cut) % 4);
	cut.log = open(argv[1], O_RDONLY);
	cut.drive = open(argv[2], O_RDWR);
	if (cut.log < 0 || cut.drive < 0)
		die("cannot open %s: %s", cut.log < 0 ? argv[1] : argv[2], strerror(errno));
	read_super(&cut, argv[1], &super);
	if (argc == 6) {
		cut.from = strtoull(argv[4], NULL, 10);
		cut.until = strtoull(argv[5], NULL, 10);
		place = find_place(&cut);
	} else {
		place = find_end(&cut, le64toh(super.entries));
		cut.until = place.at * cut.sector_size;
	}
	replay(&cut, &place);
	printf("powercut: at byte %" PRIu64 " of the log: %" PRIu64
	       " sectors flushed; of the cache %" PRIu64 " kept, %" PRIu64 " lost\n",
	       cut.until, cut.flushed, cut.kept, cut.lost);
	return 0;
}
