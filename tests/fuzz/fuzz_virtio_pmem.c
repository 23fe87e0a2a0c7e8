/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pmem device: the input is what a driver writes into guest memory and into registers, what it
 * stores to a window that can only be read, and whether flushes fail.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include <errno.h>

#include "virtio/pmem_internal.h"
#include "virtio_machine.h"

#define STEPS	    200u
#define WINDOW	    0x80000000u
#define WINDOW_SIZE 0x200000u

static struct {
	struct vpmem *vpmem;
	uint64_t flushes, failed, stores;
	bool fails;
} rig;

static int flush(void *ctx)
{
	fuzz_check(ctx == &rig);
	rig.flushes++;
	rig.failed += rig.fails;
	return rig.fails ? -EIO : 0;
}

static bool make(struct fuzz_input *in)
{
	bool writable = fuzz_u8(in) & 1;
	const struct vpmem_config config = {
		.id = "pmem0",
		.base = WINDOW,
		.size = WINDOW_SIZE,
		.flush = writable ? flush : NULL,
		.ctx = &rig,
	};

	memset(&rig, 0, sizeof(rig));
	machine_init();
	fuzz_check(vpmem_create(&config, &rig.vpmem) == 0);
	machine_add(vpmem_device(rig.vpmem));
	return writable;
}

static void destroy(void)
{
	virtio_mmio_destroy(machine.mmio);
	vpmem_destroy(rig.vpmem);
	gmem_fini(&machine.mem);
}

/* What the driver leaves; not VIRTIO_F_VERSION_1, bit 32. */
static uint64_t features_left(struct fuzz_input *in)
{
	return fuzz_u64(in) & ~(1ull << 32);
}

static void store(struct fuzz_input *in)
{
	unsigned int len = 1u << fuzz_upto(in, 3);

	vpmem_window_ops.write(rig.vpmem, fuzz_u32(in) % (WINDOW_SIZE - len), len, fuzz_u64(in));
	rig.stores++;
}

/* As a driver asks: a type, a place for the answer, offered; unless the input has another length.
 */
static void request(struct fuzz_input *in)
{
	const gpa_t type = RAM_BASE + 0x20000, queue = RAM_BASE;
	const struct virtq_desc descs[] = {
		{ type, 4, VIRTQ_DESC_F_NEXT, 1 },
		{ type + 8, 4u + (fuzz_u8(in) & 1), VIRTQ_DESC_F_WRITE, 0 },
	};

	(void)gmem_write32(&machine.mem, type, fuzz_u8(in) & 1);
	for (unsigned int page = 0; page < QUEUE_PAGES; page++)
		(void)gmem_write_obj(&machine.mem, queue + page * PAGE, &descs);
	offer(in, 0);
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 8)) {
	case 0:
		write_memory(in);
		break;
	case 1:
	case 2:
		write_desc(in, 8);
		break;
	case 3:
		offer(in, 0);
		break;
	case 4:
		access_register(in);
		break;
	case 5:
		rig.fails = fuzz_u8(in) & 1;
		break;
	case 6:
		store(in);
		break;
	case 7:
		request(in);
		break;
	default:
		(void)vpmem_serve(rig.vpmem);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool writable = make(&in);
	struct vpmem_stats stats;

	bring_up(&in, features_left(&in), 1);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	(void)vpmem_serve(rig.vpmem);
	vpmem_get_stats(rig.vpmem, &stats);
	fuzz_check(stats.dropped == rig.stores);
	fuzz_check(stats.flushes >= stats.errors && stats.errors >= rig.failed);
	fuzz_check(writable ? stats.flushes - stats.errors == rig.flushes - rig.failed
			    : rig.flushes == 0);
	check_reset(&in, features_left(&in), 1);
	destroy();
	return 0;
}
