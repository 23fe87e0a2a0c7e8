/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads or writes a block device and says what an operation took. The same program runs on the host
 * and in the guests of tools/bench/disk/run, whose clock counts instructions.
 *
 *   blkbench DEVICE HOW OP SIZE DEPTH COUNT
 *
 * OP is read or write, SIZE bytes with O_DIRECT at successive offsets, COUNT in all, after a tenth
 * of that which is not counted. HOW is sync, DEPTH threads in pread() or pwrite() each, or uring,
 * DEPTH at once by one thread; sync-huge and uring-huge are the same with buffers in huge pages.
 * Prints one line:
 *
 *   how=sync op=read size=4096 depth=1 count=2000 ns=12345678 irqs=2000
 *
 * irqs are the interrupts that a disk raised here meanwhile, as /proc/interrupts tells. Buffers are
 * of small pages unless HOW says otherwise: with huge ones, an operation of many pages costs a
 * part.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#define MAX_DEPTH    64u
#define BUFFER_BYTES (8u << 20)
#define HUGE_PAGE    (2u << 20)

struct ring {
	int fd;
	unsigned int *sq_tail, sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

struct run {
	struct ring ring;
	int fd;
	uint8_t op;
	unsigned int size, depth;
	uint64_t bytes, offset; /* of the device; of the next operation */
	char *buffers;
	pthread_barrier_t warm;
	uint64_t start, irqs; /* when it was warm */
};

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fputs("blkbench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *map_ring(int fd, size_t len, off_t what)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	if (at == MAP_FAILED)
		die("cannot map the ring: %s", strerror(errno));
	return at;
}

/* The system calls themselves, so that no library's path length is in the figures. */
static void ring_init(struct ring *ring)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER |
					      IORING_SETUP_DEFER_TASKRUN };
	char *sq, *cq;

	ring->fd = (int)syscall(SYS_io_uring_setup, MAX_DEPTH, &p);
	if (ring->fd < 0)
		die("io_uring_setup: %s", strerror(errno));
	sq = map_ring(ring->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		      IORING_OFF_SQ_RING);
	cq = map_ring(ring->fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		      IORING_OFF_CQ_RING);
	ring->sqes =
		map_ring(ring->fd, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring->sq_tail = (unsigned int *)(void *)(sq + p.sq_off.tail);
	ring->sq_mask = *(unsigned int *)(void *)(sq + p.sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(void *)(sq + p.sq_off.array);
	ring->cq_head = (unsigned int *)(void *)(cq + p.cq_off.head);
	ring->cq_tail = (unsigned int *)(void *)(cq + p.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(void *)(cq + p.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
}

static void push(struct run *run, uint64_t slot)
{
	struct ring *ring = &run->ring;
	unsigned int tail = *ring->sq_tail, index = tail & ring->sq_mask;

	ring->sqes[index] = (struct io_uring_sqe){
		.opcode = run->op,
		.fd = run->fd,
		.off = run->offset,
		.addr = (uintptr_t)(run->buffers + slot * run->size),
		.len = run->size,
		.user_data = slot,
	};
	run->offset += run->size;
	if (run->offset + run->size > run->bytes)
		run->offset = 0;
	ring->sq_array[index] = index;
	/* Pairs with the kernel's acquire of the tail: it sees the entry. */
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

/* Submits @push_count, waits for one completion at least; takes all: their slots go to @slots. */
static unsigned int turn(struct run *run, unsigned int push_count, uint64_t *slots)
{
	struct ring *ring = &run->ring;
	unsigned int head = *ring->cq_head, tail, count = 0;

	if (syscall(SYS_io_uring_enter, ring->fd, push_count, 1, IORING_ENTER_GETEVENTS, NULL, 0) !=
	    (long)push_count)
		die("io_uring_enter: %s", strerror(errno));
	/* Pairs with the kernel's release of the tail: the entries are there. */
	tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
	for (; head != tail; head++) {
		const struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];

		if (cqe->res != (int)run->size)
			die("an operation ended with %d, not %u", cqe->res, run->size);
		slots[count++] = cqe->user_data;
	}
	__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	return count;
}

static void operate(struct run *run, uint64_t count)
{
	uint64_t slots[MAX_DEPTH], pushed = 0, done = 0;
	unsigned int n, ready = run->depth;

	for (n = 0; n < ready; n++)
		slots[n] = n;
	while (done < count) {
		for (n = 0; n < ready && pushed < count; n++, pushed++)
			push(run, slots[n]);
		ready = turn(run, n, slots);
		done += ready;
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The sum of the disks' lines, all processors. */
static uint64_t interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	uint64_t sum = 0;
	char line[1024], *at, *end;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "virtio") && !strstr(line, "hvc-blk"))
			continue;
		for (at = strchr(line, ':'); at; at = end) {
			uint64_t n = strtoull(at + 1, &end, 10);

			if (end == at + 1)
				break;
			sum += n;
			end--;
			if (*++end != ' ')
				break;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

static char *map_buffers(bool huge)
{
	char *at = mmap(NULL, BUFFER_BYTES + HUGE_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("no memory");
	at += -(uintptr_t)at & (HUGE_PAGE - 1);
	madvise(at, BUFFER_BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(at, 0x5a, BUFFER_BYTES);
	return at;
}

/* Where tools/bench/profile begins and ends to count: instructions that do nothing. */
#ifdef __aarch64__
#define PROFILE_START() __asm__ volatile("movz xzr, #0xb001")
#define PROFILE_STOP()	__asm__ volatile("movz xzr, #0xb002")
#else
#define PROFILE_START()
#define PROFILE_STOP()
#endif

static void begin(struct run *run)
{
	run->irqs = interrupts();
	run->start = now_ns();
	PROFILE_START();
}

/* ---- threads ----------------------------------------------------------------------------------
 */

struct worker {
	pthread_t thread;
	struct run *run;
	char *buffer;
	uint64_t offset, count;
};

static void transfer(struct worker *w, uint64_t count)
{
	struct run *run = w->run;

	while (count--) {
		ssize_t n = run->op == IORING_OP_WRITE
				    ? pwrite(run->fd, w->buffer, run->size, (off_t)w->offset)
				    : pread(run->fd, w->buffer, run->size, (off_t)w->offset);

		if (n != (ssize_t)run->size)
			die("an operation ended with %zd, not %u", n, run->size);
		w->offset += (uint64_t)run->size * run->depth;
		if (w->offset + run->size > run->bytes)
			w->offset = 0;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	transfer(w, w->count / 10 + 1);
	pthread_barrier_wait(&w->run->warm);
	pthread_barrier_wait(&w->run->warm); /* the clock has been read */
	transfer(w, w->count);
	return NULL;
}

/* @count divided among the threads; begin() is called when all of them have warmed up. */
static void operate_sync(struct run *run, uint64_t count)
{
	static struct worker workers[MAX_DEPTH];

	pthread_barrier_init(&run->warm, NULL, run->depth + 1);
	for (unsigned int i = 0; i < run->depth; i++) {
		workers[i] = (struct worker){ .run = run,
					      .buffer = run->buffers + (size_t)i * run->size,
					      .offset = (uint64_t)i * run->size,
					      .count = count / run->depth };
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]))
			die("cannot start a thread");
	}
	pthread_barrier_wait(&run->warm);
	begin(run);
	pthread_barrier_wait(&run->warm);
	for (unsigned int i = 0; i < run->depth; i++)
		pthread_join(workers[i].thread, NULL);
}

static void parse(struct run *run, char **argv)
{
	bool write = !strcmp(argv[3], "write");

	run->op = write ? IORING_OP_WRITE : IORING_OP_READ;
	run->size = (unsigned int)strtoul(argv[4], NULL, 10);
	run->depth = (unsigned int)strtoul(argv[5], NULL, 10);
	if ((!write && strcmp(argv[3], "read")) || !run->size || run->size % 512 || !run->depth ||
	    run->depth > MAX_DEPTH || run->size * run->depth > BUFFER_BYTES)
		die("OP is read or write, SIZE whole sectors, DEPTH 1 to %u", MAX_DEPTH);
	run->fd = open(argv[1], (write ? O_RDWR : O_RDONLY) | O_DIRECT);
	if (run->fd < 0 || ioctl(run->fd, BLKGETSIZE64, &run->bytes) || run->bytes < run->size)
		die("%s: %s", argv[1], strerror(errno));
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	uint64_t count, ns;
	bool uring, huge;

	if (argc != 7 || (strncmp(argv[2], "sync", 4) && strncmp(argv[2], "uring", 5)))
		die("usage: blkbench DEVICE sync|uring[-huge] read|write SIZE DEPTH COUNT");
	uring = argv[2][0] == 'u';
	huge = strstr(argv[2], "-huge");
	parse(&run, argv);
	count = strtoull(argv[6], NULL, 10) / run.depth * run.depth;
	if (!count)
		die("COUNT is a number, DEPTH at least");
	run.buffers = map_buffers(huge);
	if (uring) {
		ring_init(&run.ring);
		operate(&run, count / 10 + run.depth);
		begin(&run);
		operate(&run, count);
	} else {
		operate_sync(&run, count);
	}
	PROFILE_STOP();
	ns = now_ns() - run.start;
	printf("how=%s op=%s size=%u depth=%u count=%" PRIu64 " ns=%" PRIu64 " irqs=%" PRIu64 "\n",
	       argv[2], argv[3], run.size, run.depth, count, ns, interrupts() - run.irqs);
	return 0;
}
