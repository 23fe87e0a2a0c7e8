/* SPDX-License-Identifier: Apache-2.0 */
/* Split virtqueues: chains, used buffers, who is told, and drivers that break the rules. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>

#include "driver.h"

#define QUEUE_BASE DRIVER_RAM_BASE
#define TABLE	   (DRIVER_RAM_BASE + 0x20000u)
#define DATA	   (DRIVER_RAM_BASE + 0x100000u)
#define SIZE	   16u
#define IOVS	   8u
#define RAM_END	   (DRIVER_RAM_BASE + (gpa_t)DRIVER_RAM_SIZE)

static struct gmem mem;
static struct virtqueue vq;
static struct driver_queue driver;
static struct iovec iov[IOVS];
static struct virtq_chain chain;

static void enable(bool event_idx)
{
	struct virtqueue_setup setup;

	driver_setup(&driver, &setup);
	setup.event_idx = event_idx;
	cr_assert_eq(virtqueue_enable(&vq, &setup), 0);
}

static void init(void)
{
	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	virtqueue_init(&vq, &mem, 256);
	driver_init(&driver, &mem, QUEUE_BASE, SIZE);
	chain = (struct virtq_chain){ .iov = iov, .max_iov = IOVS };
}

static void fini(void)
{
	virtqueue_fini(&vq);
	gmem_fini(&mem);
}

TestSuite(virtqueue, .init = init, .fini = fini);

static void *host(gpa_t gpa)
{
	return gmem_slice(&mem, gpa, 1);
}

Test(virtqueue, gives_a_chain_as_host_addresses)
{
	const struct driver_buf bufs[] = { { DATA, 16, false },
					   { DATA + 0x1000, 512, true },
					   { DATA + 0x3000, 1, true } };

	enable(false);
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), 0);
	driver_offer(&driver, driver_chain(&driver, bufs, 3));
	cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	cr_expect_eq(chain.head, 0);
	cr_expect_eq(chain.nr_out, 1);
	cr_expect_eq(chain.nr_in, 2);
	cr_expect_eq(chain.out_len, 16);
	cr_expect_eq(chain.in_len, 513);
	for (unsigned int i = 0; i < 3; i++) {
		cr_expect_eq(iov[i].iov_base, host(bufs[i].addr));
		cr_expect_eq(iov[i].iov_len, bufs[i].len);
	}
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), 0);
}

/* Never what the device reads with what it writes. Room for entries is not used up by them. */
Test(virtqueue, buffers_that_touch_are_one_entry)
{
	struct driver_buf bufs[IOVS + 3] = { { DATA, 8, false },
					     { DATA + 8, 8, false },
					     { DATA + 16, 512, true } };

	for (unsigned int i = 3; i < IOVS + 3; i++)
		bufs[i] = (struct driver_buf){ DATA + 16 + 512 * (i - 2), 512, true };
	enable(false);
	driver_offer(&driver, driver_chain(&driver, bufs, IOVS + 3));
	cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	cr_expect_eq(chain.nr_out, 1);
	cr_expect_eq(chain.nr_in, 1);
	cr_expect_eq(chain.out_len, 16);
	cr_expect_eq(chain.in_len, 512 * (IOVS + 1));
	cr_expect_eq(iov[0].iov_base, host(DATA));
	cr_expect_eq(iov[0].iov_len, 16);
	cr_expect_eq(iov[1].iov_base, host(DATA + 16));
	cr_expect_eq(iov[1].iov_len, chain.in_len);
}

Test(virtqueue, gives_an_indirect_chain)
{
	const struct driver_buf bufs[] = { { DATA, 16, false }, { DATA + 64, 8, true } };

	enable(false);
	driver_offer(&driver, driver_indirect(&driver, TABLE, bufs, 2));
	cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	cr_expect_eq(chain.nr_out, 1);
	cr_expect_eq(chain.nr_in, 1);
	cr_expect_eq(iov[1].iov_base, host(DATA + 64));
}

/* Plain buffers may come before an indirect table (section 2.7.5.3.1). */
Test(virtqueue, gives_a_chain_that_ends_in_an_indirect_table)
{
	const struct driver_buf front = { DATA, 16, false }, back = { DATA + 64, 8, true };
	uint16_t head;

	enable(false);
	head = driver_chain(&driver, &front, 1);
	driver.desc[head].flags = VIRTQ_DESC_F_NEXT;
	driver.desc[head].next = driver_indirect(&driver, TABLE, &back, 1);
	driver_offer(&driver, head);
	cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	cr_expect_eq(chain.nr_out, 1);
	cr_expect_eq(chain.nr_in, 1);
}

Test(virtqueue, wraps_around_many_times)
{
	struct virtq_used_elem elem;

	enable(true);
	for (uint32_t i = 0; i < 3 * 65536u; i++) {
		const struct driver_buf buf = { DATA + i % 4096, 1 + i % 100, true };

		driver_offer(&driver, driver_chain(&driver, &buf, 1));
		cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
		cr_assert_eq(chain.head, i % SIZE);
		cr_assert_eq(chain.in_len, buf.len);
		virtqueue_push_locked(&vq, chain.head, i);
		driver_want_after(&driver, (uint16_t)i);
		cr_assert(virtqueue_publish_locked(&vq));
		cr_assert(driver_used(&driver, &elem));
		cr_assert_eq(elem.id, i % SIZE);
		cr_assert_eq(elem.len, i);
	}
}

/* ---- who is told ----------------------------------------------------------------------------- */

static void push(void)
{
	virtqueue_push_locked(&vq, 0, 0);
}

Test(virtqueue, shows_nothing_before_it_is_published)
{
	struct virtq_used_elem elem;

	enable(false);
	push();
	cr_expect_not(driver_used(&driver, &elem));
	cr_expect(virtqueue_publish_locked(&vq));
	cr_expect(driver_used(&driver, &elem));
	cr_expect_not(virtqueue_publish_locked(&vq), "there is nothing new");
}

Test(virtqueue, heeds_the_flag_that_wants_no_interrupt)
{
	enable(false);
	driver.avail->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
	push();
	cr_expect_not(virtqueue_publish_locked(&vq));
	driver.avail->flags = 0;
	push();
	cr_expect(virtqueue_publish_locked(&vq));
}

Test(virtqueue, interrupts_once_the_event_is_passed)
{
	enable(true);
	driver_want_after(&driver, 0);
	push();
	cr_expect(virtqueue_publish_locked(&vq), "the first is always told");
	driver_want_after(&driver, 3);
	for (unsigned int i = 1; i < 3; i++) {
		push();
		cr_expect_not(virtqueue_publish_locked(&vq), "used buffer %u", i);
	}
	push();
	cr_expect(virtqueue_publish_locked(&vq), "index 3 is passed");
	push();
	cr_expect_not(virtqueue_publish_locked(&vq), "passed before");
}

Test(virtqueue, interrupts_for_an_event_within_a_batch)
{
	enable(true);
	push();
	virtqueue_publish_locked(&vq);
	driver_want_after(&driver, 4);
	for (unsigned int i = 0; i < 8; i++)
		push();
	cr_expect(virtqueue_publish_locked(&vq));
}

Test(virtqueue, asks_for_kicks_by_event)
{
	const struct driver_buf buf = { DATA, 1, true };

	enable(true);
	for (unsigned int i = 0; i < 3; i++) {
		driver_offer(&driver, driver_chain(&driver, &buf, 1));
		cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	}
	cr_expect_eq(driver_avail_event(&driver), 0, "silent while it works");
	cr_expect_not(virtqueue_want_kicks_locked(&vq, true));
	cr_expect_eq(driver_avail_event(&driver), 3);
	driver_offer(&driver, driver_chain(&driver, &buf, 1));
	cr_expect(virtqueue_want_kicks_locked(&vq, true), "what came before is seen");
}

Test(virtqueue, asks_for_kicks_by_flag)
{
	enable(false);
	virtqueue_want_kicks_locked(&vq, false);
	cr_expect_eq(driver.used->flags, VIRTQ_USED_F_NO_NOTIFY);
	virtqueue_want_kicks_locked(&vq, true);
	cr_expect_eq(driver.used->flags, 0);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int enable_with(uint16_t size, gpa_t desc, gpa_t avail, gpa_t used)
{
	const struct virtqueue_setup setup = {
		.size = size, .desc = desc, .avail = avail, .used = used
	};

	return virtqueue_enable(&vq, &setup);
}

Test(virtqueue, refuses_what_no_queue_can_be)
{
	const gpa_t good = QUEUE_BASE;

	cr_expect_eq(enable_with(0, good, good, good), -EINVAL);
	cr_expect_eq(enable_with(3, good, good, good), -EINVAL);
	cr_expect_eq(enable_with(512, good, good, good), -EINVAL, "over its most");
	cr_expect_eq(enable_with(16, good + 8, good, good), -EINVAL, "desc: 16 bytes");
	cr_expect_eq(enable_with(16, good, good + 1, good), -EINVAL, "avail: 2 bytes");
	cr_expect_eq(enable_with(16, good, good, good + 2), -EINVAL, "used: 4 bytes");
	cr_expect_eq(enable_with(16, 0, good, good), -EINVAL);
	cr_expect_eq(enable_with(16, RAM_END - 16 * 16 + 16, good, good), -EINVAL);
	cr_expect_eq(enable_with(16, good, RAM_END - 36, good), -EINVAL, "used_event is outside");
	cr_expect_eq(enable_with(16, good, good, RAM_END - 132), -EINVAL, "avail_event is outside");
	cr_expect_eq(enable_with(16, ~(gpa_t)0 - 15, good, good), -EINVAL);
	cr_expect_eq(enable_with(16, good, good, RAM_END - 136), 0);
	cr_expect_eq(enable_with(16, good, good, good), -EINVAL, "it is enabled");
}

Test(virtqueue, gives_nothing_and_writes_nothing_once_disabled)
{
	const struct driver_buf buf = { DATA, 1, true };
	struct virtq_used_elem elem;

	enable(false);
	driver_offer(&driver, driver_chain(&driver, &buf, 1));
	driver_offer(&driver, driver_chain(&driver, &buf, 1));
	cr_assert_eq(virtqueue_pop_locked(&vq, &chain), 1);
	virtqueue_disable(&vq);
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), 0);
	push();
	cr_expect_not(virtqueue_publish_locked(&vq));
	cr_expect_not(virtqueue_want_kicks_locked(&vq, true));
	cr_expect_not(driver_used(&driver, &elem));
}

/* ---- drivers that break the rules ------------------------------------------------------------ */

static void expect_broken(void)
{
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), -EPROTO);
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), 0, "it stays broken");
	cr_expect_not(virtqueue_has_avail_locked(&vq));
}

static void offer_broken(const struct driver_buf *bufs, unsigned int nr)
{
	enable(false);
	driver_offer(&driver, driver_chain(&driver, bufs, nr));
	expect_broken();
}

#define BROKEN_BUF(name, ...)                                       \
	Test(virtqueue, breaks_at_##name)                           \
	{                                                           \
		const struct driver_buf bufs[] = { __VA_ARGS__ };   \
                                                                    \
		offer_broken(bufs, sizeof(bufs) / sizeof(bufs[0])); \
	}

BROKEN_BUF(an_empty_buffer, { DATA, 0, false })
BROKEN_BUF(an_empty_buffer_at_the_end, { DATA, 1, false }, { DATA, 0, true })
BROKEN_BUF(a_hole, { 0, 512, false })
BROKEN_BUF(the_end_of_memory, { RAM_END - 511, 512, true })
BROKEN_BUF(an_address_that_wraps, { ~(gpa_t)0 - 255, 512, true })
BROKEN_BUF(the_longest_length, { DATA, UINT32_MAX, true })
BROKEN_BUF(a_read_behind_a_write, { DATA, 1, true }, { DATA, 1, false })
BROKEN_BUF(more_buffers_than_there_is_room_for, { DATA, 1, false }, { DATA, 1, false },
	   { DATA, 1, false }, { DATA, 1, false }, { DATA, 1, false }, { DATA, 1, false },
	   { DATA, 1, false }, { DATA, 1, false }, { DATA, 1, false })

Test(virtqueue, breaks_at_a_loop)
{
	const struct driver_buf buf = { DATA, 1, true };
	struct iovec many[4 * SIZE];
	uint16_t head;

	chain = (struct virtq_chain){ .iov = many, .max_iov = 4 * SIZE };
	enable(false);
	head = driver_chain(&driver, &buf, 1);
	driver.desc[head].flags |= VIRTQ_DESC_F_NEXT;
	driver.desc[head].next = head;
	driver_offer(&driver, head);
	expect_broken();
}

Test(virtqueue, breaks_at_a_next_out_of_range)
{
	const struct driver_buf buf = { DATA, 1, true };
	uint16_t head;

	enable(false);
	head = driver_chain(&driver, &buf, 1);
	driver.desc[head].flags |= VIRTQ_DESC_F_NEXT;
	driver.desc[head].next = SIZE;
	driver_offer(&driver, head);
	expect_broken();
}

Test(virtqueue, breaks_at_a_head_out_of_range)
{
	enable(false);
	driver_offer(&driver, SIZE);
	expect_broken();
}

Test(virtqueue, breaks_at_an_index_that_jumps)
{
	enable(false);
	driver.avail->idx = SIZE + 1;
	expect_broken();
}

static void offer_indirect(uint32_t len, gpa_t table, uint16_t flags)
{
	const struct driver_buf buf = { table, len, false };
	uint16_t head;

	enable(false);
	head = driver_chain(&driver, &buf, 1);
	driver.desc[head].flags = flags;
	driver_offer(&driver, head);
	expect_broken();
}

Test(virtqueue, breaks_at_an_indirect_table_of_no_length)
{
	offer_indirect(0, TABLE, VIRTQ_DESC_F_INDIRECT);
}

Test(virtqueue, breaks_at_an_indirect_table_of_half_a_descriptor)
{
	offer_indirect(24, TABLE, VIRTQ_DESC_F_INDIRECT);
}

Test(virtqueue, breaks_at_an_indirect_table_of_any_length)
{
	offer_indirect(0xfffffff0u, TABLE, VIRTQ_DESC_F_INDIRECT);
}

Test(virtqueue, breaks_at_an_indirect_table_in_a_hole)
{
	offer_indirect(16, 0x1000, VIRTQ_DESC_F_INDIRECT);
}

Test(virtqueue, breaks_at_an_indirect_table_that_goes_on)
{
	offer_indirect(16, TABLE, VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT);
}

Test(virtqueue, breaks_at_an_indirect_table_in_itself)
{
	struct virtq_desc *desc = gmem_slice(&mem, TABLE, sizeof(*desc));

	*desc = (struct virtq_desc){ TABLE, 16, VIRTQ_DESC_F_INDIRECT, 0 };
	offer_indirect(16, TABLE, VIRTQ_DESC_F_INDIRECT);
}

Test(virtqueue, breaks_at_an_indirect_table_that_was_not_negotiated)
{
	const struct driver_buf buf = { DATA, 8, true };
	struct virtqueue_setup setup;

	driver_setup(&driver, &setup);
	setup.indirect = false;
	cr_assert_eq(virtqueue_enable(&vq, &setup), 0);
	driver_offer(&driver, driver_indirect(&driver, TABLE, &buf, 1));
	expect_broken();
}

Test(virtqueue, works_again_once_it_was_disabled_and_enabled)
{
	const struct driver_buf buf = { DATA, 8, true };

	enable(false);
	driver_offer(&driver, SIZE);
	expect_broken();
	virtqueue_disable(&vq);
	driver_init(&driver, &mem, QUEUE_BASE, SIZE);
	enable(false);
	driver_offer(&driver, driver_chain(&driver, &buf, 1));
	cr_expect_eq(virtqueue_pop_locked(&vq, &chain), 1);
}

/* ---- descriptors that change under us -------------------------------------------------------- */

static _Atomic bool stop;

/* Another vCPU: good and bad addresses, lengths and flags into the descriptors of both tables. */
static void *changer(void *arg)
{
	struct virtq_desc *table = gmem_slice(&mem, TABLE, 4 * sizeof(*table));
	uint64_t state = 1;

	(void)arg;
	while (!atomic_load(&stop)) {
		struct virtq_desc *desc;

		state = state * 6364136223846793005u + 1442695040888963407u;
		desc = state >> 63 ? &table[(state >> 40) % 4] : &driver.desc[(state >> 40) % 4];
		__atomic_store_n(&desc->addr, state & 0x100 ? TABLE + (state & 0x3f0) : state >> 20,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&desc->len, state & 0x200 ? 64u : (uint32_t)(state >> 8),
				 __ATOMIC_RELAXED);
		__atomic_store_n(&desc->flags, (uint16_t)(state >> 50 & 7), __ATOMIC_RELAXED);
		__atomic_store_n(&desc->next, (uint16_t)(state >> 53 & 3), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void expect_inside(void)
{
	const uint8_t *ram = host(DRIVER_RAM_BASE);

	cr_assert_leq(chain.nr_out + chain.nr_in, IOVS);
	for (unsigned int i = 0; i < chain.nr_out + chain.nr_in; i++) {
		const uint8_t *base = iov[i].iov_base;

		cr_assert(base >= ram && base < ram + DRIVER_RAM_SIZE);
		cr_assert_leq(iov[i].iov_len, (size_t)(ram + DRIVER_RAM_SIZE - base));
		cr_assert_gt(iov[i].iov_len, 0);
	}
}

Test(virtqueue, gives_guest_memory_alone_while_descriptors_change)
{
	unsigned int good = 0;
	pthread_t thread;

	enable(false);
	cr_assert_eq(pthread_create(&thread, NULL, changer, NULL), 0);
	for (unsigned int i = 0; i < 20000 || good < 10; i++) {
		driver_offer(&driver, (uint16_t)(i % 4));
		if (virtqueue_pop_locked(&vq, &chain) == 1) {
			expect_inside();
			good++;
			continue;
		}
		virtqueue_disable(&vq);
		driver.avail_idx = 0;
		driver.avail->idx = 0;
		enable(false);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}
