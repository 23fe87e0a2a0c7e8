/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that changes what was read already gains nothing: src/hvc and src/mem, compiled for the
 * thread sanitizer, call a function at each load and store, and here these functions are ours. They
 * count how often each byte of guest memory is read, and spoil it after its first time.
 *
 * What must be: each byte of a request, of a table of segments, of a queue's configuration and of a
 * call block exactly once; sq_tail once a doorbell; the host's line and the completion ring never.
 */
#include "../fuzz/hvc_machine.h"
#include "../hvc_queue.h"
#include "check.h"

#define HEADER	RAM_BASE
#define SQ	(HEADER + HVC_QUEUE_SQ)
#define CQ	(HEADER + HVC_QUEUE_CQ)
#define CONFIG	(RAM_BASE + 0x3000)
#define BLOCK	(RAM_BASE + 0x3800)
#define TABLE	(RAM_BASE + 0x4000)
#define DATA	(RAM_BASE + 0x8000)
#define ENTRIES 16u
#define NR_SEGS 200u

/* ---- what the instrumented code calls -------------------------------------------------------- */

static struct {
	bool on, spoil;
	unsigned int reads[2 * RAM_SIZE];
	bool spoiled[2 * RAM_SIZE];
	unsigned int first, last; /* of the latest access, to be spoiled at the next */
} watch;

/* Where @host is in guest memory, or RAM_SIZE * 2. */
static uint64_t place_of(const volatile void *host)
{
	for (unsigned int i = 0; i < machine.mem.nr_regions; i++) {
		const struct gmem_region *region = &machine.mem.regions[i];
		uint64_t at = (uint64_t)((const volatile uint8_t *)host - region->host);

		if (at < region->size)
			return region->base - RAM_BASE + at;
	}
	return 2 * RAM_SIZE;
}

static uint8_t *byte_at(uint64_t place)
{
	return gmem_slice(&machine.mem, RAM_BASE + place, 1);
}

/* The header stays: a guest may well write its line meanwhile, and each value of it is good. */
static void spoil_latest(void)
{
	for (unsigned int i = watch.first; watch.spoil && i < watch.last; i++) {
		if (i < sizeof(struct hvc_blk_header) || watch.spoiled[i])
			continue;
		watch.spoiled[i] = true;
		*byte_at(i) ^= 0xff;
	}
	watch.first = watch.last = 0;
}

static void on_read(const volatile void *host, size_t len)
{
	uint64_t place;

	if (!__atomic_load_n(&watch.on, __ATOMIC_ACQUIRE))
		return;
	spoil_latest();
	place = place_of(host);
	if (place >= 2 * RAM_SIZE)
		return;
	for (size_t i = 0; i < len && place + i < 2 * RAM_SIZE; i++)
		watch.reads[place + i]++;
	watch.first = (unsigned int)place;
	watch.last = (unsigned int)(place + len);
}

#define READ_HOOK(name, len)      \
	void name(void *at);      \
	void name(void *at)       \
	{                         \
		on_read(at, len); \
	}
#define OTHER_HOOK(name)     \
	void name(void *at); \
	void name(void *at)  \
	{                    \
		(void)at;    \
	}

READ_HOOK(__tsan_read1, 1)
READ_HOOK(__tsan_read2, 2)
READ_HOOK(__tsan_read4, 4)
READ_HOOK(__tsan_read8, 8)
READ_HOOK(__tsan_read16, 16)
READ_HOOK(__tsan_unaligned_read2, 2)
READ_HOOK(__tsan_unaligned_read4, 4)
READ_HOOK(__tsan_unaligned_read8, 8)
READ_HOOK(__tsan_unaligned_read16, 16)
READ_HOOK(__tsan_read_write1, 1)
READ_HOOK(__tsan_read_write2, 2)
READ_HOOK(__tsan_read_write4, 4)
READ_HOOK(__tsan_read_write8, 8)
OTHER_HOOK(__tsan_write1)
OTHER_HOOK(__tsan_write2)
OTHER_HOOK(__tsan_write4)
OTHER_HOOK(__tsan_write8)
OTHER_HOOK(__tsan_write16)
OTHER_HOOK(__tsan_unaligned_write2)
OTHER_HOOK(__tsan_unaligned_write4)
OTHER_HOOK(__tsan_unaligned_write8)
OTHER_HOOK(__tsan_unaligned_write16)
OTHER_HOOK(__tsan_func_entry)
OTHER_HOOK(__tsan_func_exit)
OTHER_HOOK(__tsan_init)

void __tsan_read_range(void *at, size_t len);
void __tsan_read_range(void *at, size_t len)
{
	on_read(at, len);
}

void __tsan_write_range(void *at, size_t len);
void __tsan_write_range(void *at, size_t len)
{
	(void)at;
	(void)len;
}

/* An order of any kind is no weaker as the strongest. */
#define ATOMIC_HOOKS(bits)                                                                         \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *at, int order);            \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *at, int order)             \
	{                                                                                          \
		(void)order;                                                                       \
		on_read(at, bits / 8);                                                             \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                      \
	}                                                                                          \
	void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t val, int order);       \
	void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t val, int order)        \
	{                                                                                          \
		(void)order;                                                                       \
		__atomic_store_n(at, val, __ATOMIC_SEQ_CST);                                       \
	}                                                                                          \
	uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *at, uint##bits##_t val,      \
						      int order);                                  \
	uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *at, uint##bits##_t val,      \
						      int order)                                   \
	{                                                                                          \
		(void)order;                                                                       \
		on_read(at, bits / 8);                                                             \
		return __atomic_exchange_n(at, val, __ATOMIC_SEQ_CST);                             \
	}                                                                                          \
	uint##bits##_t __tsan_atomic##bits##_fetch_add(uint##bits##_t *at, uint##bits##_t val,     \
						       int order);                                 \
	uint##bits##_t __tsan_atomic##bits##_fetch_add(uint##bits##_t *at, uint##bits##_t val,     \
						       int order)                                  \
	{                                                                                          \
		(void)order;                                                                       \
		on_read(at, bits / 8);                                                             \
		return __atomic_fetch_add(at, val, __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	uint##bits##_t __tsan_atomic##bits##_fetch_or(uint##bits##_t *at, uint##bits##_t val,      \
						      int order);                                  \
	uint##bits##_t __tsan_atomic##bits##_fetch_or(uint##bits##_t *at, uint##bits##_t val,      \
						      int order)                                   \
	{                                                                                          \
		(void)order;                                                                       \
		on_read(at, bits / 8);                                                             \
		return __atomic_fetch_or(at, val, __ATOMIC_SEQ_CST);                               \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *at, uint##bits##_t *old, \
							  uint##bits##_t val, int good, int bad);  \
	int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *at, uint##bits##_t *old, \
							  uint##bits##_t val, int good, int bad)   \
	{                                                                                          \
		(void)good;                                                                        \
		(void)bad;                                                                         \
		on_read(at, bits / 8);                                                             \
		return __atomic_compare_exchange_n(at, old, val, false, __ATOMIC_SEQ_CST,          \
						   __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(uint##bits##_t *at, uint##bits##_t *old,   \
							uint##bits##_t val, int good, int bad);    \
	int __tsan_atomic##bits##_compare_exchange_weak(uint##bits##_t *at, uint##bits##_t *old,   \
							uint##bits##_t val, int good, int bad)     \
	{                                                                                          \
		return __tsan_atomic##bits##_compare_exchange_strong(at, old, val, good, bad);     \
	}

ATOMIC_HOOKS(8)
ATOMIC_HOOKS(16)
ATOMIC_HOOKS(32)
ATOMIC_HOOKS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* Copies are functions of the C library, which nobody instruments: the linker gives them to us. */
void *__real_memcpy(void *to, const void *from, size_t len);
void *__wrap_memcpy(void *to, const void *from, size_t len);
void *__wrap_memcpy(void *to, const void *from, size_t len)
{
	on_read(from, len);
	return __real_memcpy(to, from, len);
}

void *__tsan_memcpy(void *to, const void *from, size_t len);
void *__tsan_memcpy(void *to, const void *from, size_t len)
{
	return __wrap_memcpy(to, from, len);
}

void *__tsan_memset(void *to, int byte, size_t len);
void *__tsan_memset(void *to, int byte, size_t len)
{
	return memset(to, byte, len);
}

/* ---- what is watched ------------------------------------------------------------------------- */

static void watch_begin(bool spoil)
{
	memset(&watch, 0, sizeof(watch));
	watch.spoil = spoil;
	__atomic_store_n(&watch.on, true, __ATOMIC_RELEASE);
}

static void watch_end(void)
{
	__atomic_store_n(&watch.on, false, __ATOMIC_RELEASE);
}

/* Whether each byte of [@gpa, @gpa + @len) was read from @least to @most times. */
static bool was_read(gpa_t gpa, uint64_t len, unsigned int least, unsigned int most)
{
	for (uint64_t at = gpa - RAM_BASE; at < gpa - RAM_BASE + len; at++) {
		if (watch.reads[at] >= least && watch.reads[at] <= most)
			continue;
		fprintf(stderr, "byte 0x%llx was read %u times\n",
			(unsigned long long)(RAM_BASE + at), watch.reads[at]);
		return false;
	}
	return true;
}

static struct hvc_blk_header *header(void)
{
	return gmem_slice(&machine.mem, HEADER, sizeof(struct hvc_blk_header));
}

static void open_queue(unsigned int flags, bool spoil)
{
	struct hvc_blk_queue_config config = hvc_queue_at(HEADER, ENTRIES);
	const struct hvc_blk_mmio_call call = { .function = HVC_BLK_QUEUE_SETUP,
						.x = { CONFIG, HVC_BLK_MAX_CONFIG } };
	uint64_t args[6] = { 0, HVC_BLK_CTRL_ENABLE };
	int64_t id = -1;

	config.flags = (uint16_t)flags;
	NEED(gmem_zero(&machine.mem, CONFIG, HVC_BLK_MAX_CONFIG) == 0);
	NEED(gmem_write_obj(&machine.mem, CONFIG, &config) == 0);
	NEED(gmem_write_obj(&machine.mem, BLOCK, &call) == 0);
	watch_begin(spoil);
	hvc_blk_mmio_ops.write(machine.blk, HVC_BLK_MMIO_CALL, 8, BLOCK);
	watch_end();
	CHECK(was_read(CONFIG, HVC_BLK_MAX_CONFIG, 1, 1));
	CHECK(was_read(BLOCK, sizeof(call), 1, 1));
	CHECK(was_read(HEADER, 64, 0, flags & HVC_BLK_QUEUE_HOST_POLL ? UINT32_MAX : 0));
	NEED(gmem_read(&machine.mem, BLOCK + offsetof(struct hvc_blk_mmio_call, ret), &id, 8) == 0);
	NEED(id == 0);
	NEED(machine_call(BLOCK, HVC_BLK_QUEUE_CTRL, args) == 0);
}

static void put_at(unsigned int index, const struct hvc_blk_sqe *sqe)
{
	NEED(gmem_write_obj(&machine.mem, SQ + index * sizeof(*sqe), sqe) == 0);
}

static struct hvc_blk_sqe with_data(unsigned int op, unsigned int tag)
{
	return (struct hvc_blk_sqe){ .op = (uint8_t)op,
				     .tag = (uint16_t)tag,
				     .nseg = 1,
				     .sector = tag,
				     .nr_sectors = 2,
				     .seg[0] = { DATA + tag * 1024u, 1024, 0 } };
}

/* One of each kind; the last one's table has most of what there is to read. */
#define NR_REQUESTS 7u

static void put_requests(void)
{
	struct hvc_blk_sqe sqe;

	for (unsigned int i = 0; i < 2; i++) {
		sqe = with_data(i ? HVC_BLK_OP_READ : HVC_BLK_OP_WRITE, i);
		put_at(i, &sqe);
	}
	sqe = with_data(HVC_BLK_OP_READ, 2);
	sqe.nseg = 2;
	sqe.nr_sectors = 4;
	sqe.seg[1] = (struct hvc_blk_segment){ DATA + 0x4000, 1024, 0 };
	put_at(2, &sqe);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_FLUSH, .tag = 3 };
	put_at(3, &sqe);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_DISCARD, .tag = 4, .nr_sectors = 8 };
	put_at(4, &sqe);
	sqe = with_data(HVC_BLK_OP_READ, 5);
	sqe.reserved1 = 1;
	put_at(5, &sqe);
	for (unsigned int i = 0; i < NR_SEGS; i++) {
		struct hvc_blk_segment seg = { DATA + i * 512u, 512, 0 };

		NEED(gmem_write_obj(&machine.mem, TABLE + i * sizeof(seg), &seg) == 0);
	}
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_WRITE,
				    .flags = HVC_BLK_SQE_INDIRECT,
				    .tag = 6,
				    .nseg = NR_SEGS,
				    .sector = 6,
				    .nr_sectors = NR_SEGS,
				    .seg[0] = { TABLE, NR_SEGS * 16, 0 } };
	put_at(6, &sqe);
}

static void check_statuses(void)
{
	uint64_t moved = 0;

	for (unsigned int i = 0; i < NR_REQUESTS; i++) {
		struct hvc_blk_cqe cqe;

		NEED(gmem_read_obj(&machine.mem, CQ + i * sizeof(cqe), &cqe) == 0);
		NEED(cqe.tag < NR_REQUESTS);
		CHECK(cqe.status == (cqe.tag == 5 ? HVC_BLK_INVALID : HVC_BLK_OK));
		moved += cqe.bytes;
	}
	CHECK(moved == 1024 + 1024 + 2048 + NR_SEGS * 512);
}

static void check_reads(bool polled)
{
	unsigned int any = UINT32_MAX;

	CHECK(was_read(SQ, NR_REQUESTS * sizeof(struct hvc_blk_sqe), 1, 1));
	CHECK(was_read(SQ + NR_REQUESTS * sizeof(struct hvc_blk_sqe),
		       (ENTRIES - NR_REQUESTS) * sizeof(struct hvc_blk_sqe), 0, 0));
	CHECK(was_read(TABLE, NR_SEGS * sizeof(struct hvc_blk_segment), 1, 1));
	CHECK(was_read(CQ, ENTRIES * sizeof(struct hvc_blk_cqe), 0, 0));
	CHECK(was_read(HEADER + offsetof(struct hvc_blk_header, sq_tail), 4, 1, polled ? any : 1));
	/* Anew for each request: room and wishes are those of then. */
	CHECK(was_read(HEADER + offsetof(struct hvc_blk_header, cq_head), 4, NR_REQUESTS,
		       polled ? any : NR_REQUESTS));
	CHECK(was_read(HEADER + offsetof(struct hvc_blk_header, guest_flags), 4, 1, NR_REQUESTS));
	CHECK(was_read(HEADER + offsetof(struct hvc_blk_header, wait_us), 4, 0, 0));
	CHECK(was_read(HEADER + 64, sizeof(struct hvc_blk_header) - 64, 0, 0));
	CHECK(was_read(DATA, 0x10000, 0, 0));
}

static void begin(enum disk_mode mode)
{
	machine_init_mode(mode);
	put_requests();
}

static void serve_by_vcpu(bool spoil)
{
	begin(DISK_MODE_AUTO);
	open_queue(0, spoil);
	header()->sq_tail = NR_REQUESTS;
	watch_begin(spoil);
	CHECK(hvc_blk_mmio_ops.read(machine.blk, HVC_BLK_MMIO_DOORBELL, 8) == (uint64_t)NR_REQUESTS
										      << 32);
	watch_end();
	check_statuses();
	check_reads(false);
	machine_fini();
}

static void each_field_is_read_once(void)
{
	serve_by_vcpu(false);
}

static void what_changes_after_its_read_changes_nothing(void)
{
	serve_by_vcpu(true);
}

static void serve_by_poller(bool spoil)
{
	begin(DISK_MODE_THREAD);
	open_queue(HVC_BLK_QUEUE_HOST_POLL, spoil);
	watch_begin(spoil);
	__atomic_store_n(&header()->sq_tail, NR_REQUESTS, __ATOMIC_RELEASE);
	hvc_blk_mmio_ops.write(machine.blk, HVC_BLK_MMIO_DOORBELL, 4, 0);
	while (__atomic_load_n(&header()->cq_tail, __ATOMIC_ACQUIRE) != NR_REQUESTS)
		;
	hvc_blk_drain(machine.blk, 0);
	watch_end();
	check_statuses();
	check_reads(true);
	machine_fini();
}

static void so_it_is_where_the_host_polls(void)
{
	serve_by_poller(false);
	serve_by_poller(true);
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("each field is read once", each_field_is_read_once);
	passed += check_run("what changes after its read changes nothing",
			    what_changes_after_its_read_changes_nothing);
	passed += check_run("so it is where the host polls", so_it_is_where_the_host_polls);
	return check_end(passed, 3 - passed);
}
