/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entropy device: the input is what a driver writes into guest memory and into registers, how
 * much the host gives at a time, and when.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include <errno.h>

#include "virtio/rng_internal.h"
#include "virtio_machine.h"

#define STEPS 200u

static struct {
	struct loop *loop;
	struct vrng *vrng;
	uint64_t now;
	uint8_t most;
} rig;

/* Into guest memory, and nowhere else. */
static ssize_t fill(void *buf, size_t len)
{
	const uint8_t *ram = machine.mem.regions[0].host;
	const uint8_t *at = buf;

	fuzz_check(len && len <= VRNG_MOST);
	fuzz_check(at >= ram && at + len <= ram + RAM_SIZE);
	if (rig.most == 0xff) {
		rig.most = 0;
		errno = EINTR;
		return -1;
	}
	if (rig.most == 0xfe) {
		errno = EIO;
		return -1;
	}
	if (rig.most && len > rig.most)
		len = rig.most;
	memset(buf, 0, len);
	return (ssize_t)len;
}

static uint64_t now(void)
{
	return rig.now;
}

static const struct vrng_host host = { .fill = fill, .now = now };

static void make(struct fuzz_input *in)
{
	uint64_t rate = fuzz_u8(in) & 1 ? fuzz_u32(in) : 0;

	rig.now = 1000000000;
	rig.most = 0;
	fuzz_check(loop_create(&rig.loop) == 0);
	machine_init();
	fuzz_check(vrng_create_on(&host, rig.loop, rate, &rig.vrng) == 0);
	machine_add(vrng_device(rig.vrng));
}

static void destroy(void)
{
	virtio_mmio_destroy(machine.mmio);
	vrng_destroy(rig.vrng);
	gmem_fini(&machine.mem);
	loop_destroy(rig.loop);
}

/* What the driver leaves; not VIRTIO_F_VERSION_1, bit 32. */
static uint64_t features_left(struct fuzz_input *in)
{
	return fuzz_u64(in) & ~(1ull << 32);
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 7)) {
	case 0:
		write_memory(in);
		break;
	case 1:
	case 2:
		write_desc(in, 8);
		break;
	case 3:
	case 4:
		offer(in, 0);
		break;
	case 5:
		access_register(in);
		break;
	case 6:
		rig.most = fuzz_u8(in);
		break;
	default:
		rig.now += fuzz_u32(in);
		put(0x50, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct vrng_stats stats;

	make(&in);
	bring_up(&in, features_left(&in), 1);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	vrng_get_stats(rig.vrng, &stats);
	fuzz_check(stats.bytes <= stats.requests * VRNG_MOST && stats.bytes >= stats.requests);
	check_reset(&in, features_left(&in), 1);
	destroy();
	return 0;
}
