/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balloon over its transport, with a driver as hostile as the input: page numbers, statistics
 * and reports of anything. What is counted is what went in, and only whole pages of the host go
 * back. These are of 4 KiB, or acted to be larger.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include "virtio/balloon_internal.h"
#include "virtio_machine.h"

#define STEPS  200u
#define QUEUES VBALLOON_NR_QUEUES

static struct vballoon *balloon;

static void make(struct fuzz_input *in)
{
	const struct vballoon_config config = {
		.target = fuzz_u32(in),
		.deflate_on_oom = true,
		.reporting = true,
	};
	uint64_t page = (uint64_t)PAGE << fuzz_upto(in, 4);

	machine_init();
	if (page > machine.mem.regions[0].page)
		machine.mem.regions[0].page = page;
	fuzz_check(vballoon_create(&config, &machine.mem, &balloon) == 0);
	machine_add(vballoon_device(balloon));
}

static void destroy(void)
{
	virtio_mmio_destroy(machine.mmio);
	vballoon_destroy(balloon);
	gmem_fini(&machine.mem);
}

/* What the driver leaves; not VIRTIO_F_VERSION_1, bit 32. */
static uint64_t features_left(struct fuzz_input *in)
{
	return fuzz_u8(in) & ~(1ull << 32);
}

/* Page numbers, most of RAM. */
static void write_pfns(struct fuzz_input *in)
{
	gpa_t at = near_ram(in);
	unsigned int nr = fuzz_upto(in, 32);

	for (unsigned int i = 0; i < nr; i++) {
		uint8_t val = fuzz_u8(in);
		uint32_t pfn =
			val < 0xf0 ? RAM_BASE / PAGE + val % (RAM_SIZE / PAGE + 1) : fuzz_u32(in);

		(void)gmem_write(&machine.mem, at + 4 * i, &pfn, sizeof(pfn));
	}
}

/* As we count, no more is in than there is, and nothing of the host fails. */
static void check_counts(void)
{
	struct vballoon_stats stats;
	uint64_t in = 0;

	vballoon_get_stats(balloon, &stats);
	for (unsigned int i = 0; i < RAM_SIZE / PAGE; i++)
		in += balloon->pages.regions[0].in[i / 64] >> i % 64 & 1;
	fuzz_check(stats.inflated == in * PAGE);
	fuzz_check(stats.given_back % machine.mem.regions[0].page == 0);
	fuzz_check(stats.reported % machine.mem.regions[0].page == 0);
	fuzz_check(stats.errors == 0);
	if (balloon->pages.regions[0].parts) {
		uint64_t parts = 0;

		for (unsigned int i = 0; i < RAM_SIZE / machine.mem.regions[0].page; i++) {
			fuzz_check(balloon->pages.regions[0].parts[i] <=
				   balloon->pages.regions[0].parts_each);
			parts += balloon->pages.regions[0].parts[i];
		}
		fuzz_check(parts == in);
	}
}

static void serve(void)
{
	(void)vballoon_serve(balloon);
	(void)vballoon_ask(balloon);
	check_counts();
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 8)) {
	case 0:
		write_memory(in);
		break;
	case 1:
	case 2:
		write_pfns(in);
		break;
	case 3:
	case 4:
		write_desc(in, 32);
		break;
	case 5:
	case 6:
		offer(in, fuzz_upto(in, QUEUES - 1));
		break;
	case 7:
		access_register(in);
		break;
	default:
		serve();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	make(&in);
	bring_up(&in, features_left(&in), QUEUES);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	serve();
	check_reset(&in, features_left(&in), QUEUES);
	check_counts();
	destroy();
	return 0;
}
