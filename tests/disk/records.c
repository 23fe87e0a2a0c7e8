/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes numbered records to a disk and says which are durable; later, checks that they are there.
 *
 *   records write DEVICE SEED            until it is ended; prints "durable WORKER NUMBER" lines
 *   records check FILE SEED NUMBER...    one for each worker: the last it called durable, or 0
 *
 * WORKERS processes write at once, each in a part of its own. A record is a run of sectors; each of
 * these names its worker, record and place, so that one torn off is seen. What goes where follows
 * from SEED alone: the check plays it again. A sector must hold the last durable record that covers
 * it, or a later one, which reached the medium though nobody had promised that.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define WORKERS	     4u
#define SECTOR	     512u
#define PART_SECTORS 8192u /* of each worker: 4 MiB */
#define RUN_SECTORS  64u   /* of a record, at most */
#define BATCH	     8u	   /* records between two flushes, at most */
#define LONG_BATCH   48u   /* so many at most in one batch of eight: caches fill */
#define MAGIC	     0x64726f6365727631u

struct sector {
	uint64_t magic, number; /* of the record, from 1 */
	uint32_t worker, index; /* index: in the worker's part */
	uint64_t filler[60];
	uint64_t sum; /* of all before */
};
_Static_assert(sizeof(struct sector) == SECTOR, "a sector");

struct record {
	uint64_t number;
	unsigned int first, count; /* sectors of the part */
	bool last, fua;		   /* of its batch: then flushed, or written through itself */
};

/* What a worker writes, one record after another. */
struct plan {
	uint64_t random, number;
	unsigned int left; /* of the batch */
	bool fua;
};

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fputs("records: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void plan_init(struct plan *plan, uint64_t seed, unsigned int worker)
{
	*plan = (struct plan){ .random = seed * WORKERS + worker };
}

static struct record plan_next(struct plan *plan)
{
	struct record r;

	if (!plan->left) {
		unsigned int most = next_random(&plan->random) % 8 ? BATCH : LONG_BATCH;

		plan->left = 1 + (unsigned int)(next_random(&plan->random) % most);
		/* A record alone may ask for its own durability, as a journal's commit does. */
		plan->fua = plan->left == 1 && next_random(&plan->random) % 2;
	}
	plan->left--;
	r.number = ++plan->number;
	r.count = 1 + (unsigned int)(next_random(&plan->random) % RUN_SECTORS);
	r.first = (unsigned int)(next_random(&plan->random) % (PART_SECTORS - r.count + 1));
	r.last = !plan->left;
	r.fua = plan->fua;
	return r;
}

static uint64_t sum_of(const struct sector *s)
{
	const uint64_t *words = (const void *)s;
	uint64_t sum = 0;

	for (size_t i = 0; i + 1 < SECTOR / sizeof(*words); i++)
		sum = (sum << 7 | sum >> 57) ^ (words[i] * 0x9e3779b97f4a7c15u);
	return sum ? sum : 1;
}

static void fill(struct sector *s, const struct record *r, unsigned int worker)
{
	for (unsigned int i = 0; i < r->count; i++, s++) {
		uint64_t state = r->number << 20 | worker << 16 | i;

		s->magic = MAGIC;
		s->number = r->number;
		s->worker = worker;
		s->index = r->first + i;
		for (size_t w = 0; w < 60; w++)
			s->filler[w] = next_random(&state);
		s->sum = sum_of(s);
	}
}

static off_t at(unsigned int worker, unsigned int sector)
{
	return ((off_t)worker * PART_SECTORS + sector) * (off_t)SECTOR;
}

static void __attribute__((noreturn)) work(const char *device, uint64_t seed, unsigned int worker)
{
	int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	struct sector *buffer = aligned_alloc(4096, RUN_SECTORS * SECTOR);
	struct plan plan;
	char line[64];

	if (fd < 0 || !buffer)
		die("%s: %s", device, strerror(errno));
	plan_init(&plan, seed, worker);
	for (;;) {
		struct record r = plan_next(&plan);
		struct iovec iov = { .iov_base = buffer, .iov_len = (size_t)r.count * SECTOR };
		int len;

		fill(buffer, &r, worker);
		if (pwritev2(fd, &iov, 1, at(worker, r.first), r.fua ? RWF_DSYNC : 0) !=
		    (ssize_t)iov.iov_len)
			die("record %" PRIu64 " of %u: %s", r.number, worker, strerror(errno));
		if (!r.last)
			continue;
		if (!r.fua && fdatasync(fd))
			die("flush after %" PRIu64 " of %u: %s", r.number, worker, strerror(errno));
		len = snprintf(line, sizeof(line), "durable %u %" PRIu64 "\n", worker, r.number);
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			exit(0);
	}
}

static int write_records(const char *device, uint64_t seed)
{
	int status;

	for (unsigned int w = 0; w < WORKERS; w++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(device, seed, w);
		}
	}
	if (wait(&status) < 0)
		die("wait: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1; /* none ends by itself but in error */
}

static bool is_record(const struct sector *s, unsigned int worker, unsigned int index)
{
	return s->magic == MAGIC && s->worker == worker && s->index == index && s->sum == sum_of(s);
}

/* How many sectors of a worker are not what they must be. */
static unsigned int check_worker(int fd, uint64_t seed, unsigned int worker, uint64_t durable,
				 unsigned int *checked)
{
	static uint64_t must[PART_SECTORS];
	struct plan plan;
	struct sector s;
	unsigned int bad = 0;

	memset(must, 0, sizeof(must));
	plan_init(&plan, seed, worker);
	while (plan.number < durable) {
		struct record r = plan_next(&plan);

		for (unsigned int i = 0; i < r.count; i++)
			must[r.first + i] = r.number;
	}
	for (unsigned int i = 0; i < PART_SECTORS; i++) {
		if (!must[i])
			continue;
		++*checked;
		if (pread(fd, &s, SECTOR, at(worker, i)) != SECTOR)
			memset(&s, 0, sizeof(s));
		if (is_record(&s, worker, i) && s.number >= must[i])
			continue;
		if (!bad++)
			printf("worker %u sector %u: record %" PRIu64 " is lost, there is %" PRIu64
			       "\n",
			       worker, i, must[i], is_record(&s, worker, i) ? s.number : 0);
	}
	return bad;
}

static int check_records(const char *file, uint64_t seed, char **numbers)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	unsigned int bad = 0, checked = 0;

	if (fd < 0)
		die("%s: %s", file, strerror(errno));
	for (unsigned int w = 0; w < WORKERS; w++)
		bad += check_worker(fd, seed, w, strtoull(numbers[w], NULL, 10), &checked);
	if (!checked)
		die("nothing was durable: there is nothing to check");
	printf("records: %u durable sectors, %u lost\n", checked, bad);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "write"))
		return write_records(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 4 + WORKERS && !strcmp(argv[1], "check"))
		return check_records(argv[2], strtoull(argv[3], NULL, 10), argv + 4);
	die("usage: records write DEVICE SEED | records check FILE SEED NUMBER...");
}
