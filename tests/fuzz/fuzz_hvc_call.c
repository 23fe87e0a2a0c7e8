/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with arguments: version 1, DEV_INFO, GET_ID, QUEUE_SETUP and QUEUE_CTRL in any order. */
#include "hvc_machine.h"

static const uint32_t functions[] = {
	HVC_BLK_PROBE,	 HVC_BLK_READ,	   HVC_BLK_WRITE,      HVC_BLK_FLUSH,
	HVC_BLK_VERSION, HVC_BLK_CAPACITY, HVC_BLK_DEV_INFO,   HVC_BLK_QUEUE_SETUP,
	HVC_BLK_GET_ID,	 HVC_BLK_DOORBELL, HVC_BLK_QUEUE_CTRL, HVC_BLK_REAP,
};

static void setup_by_input(struct fuzz_input *in)
{
	gpa_t at = RAM_BASE + 0x400;
	struct hvc_blk_queue_config config = {
		.dev = (uint16_t)(fuzz_u8(in) % 3),
		.flags = fuzz_u8(in),
		.sq_entries = fuzz_u8(in) < 200 ? 1u << fuzz_u8(in) % 12 : fuzz_u32(in),
		.cq_entries = fuzz_u8(in) < 200 ? 1u << fuzz_u8(in) % 12 : fuzz_u32(in),
		.header = machine_gpa(in),
		.sq = machine_gpa(in),
		.cq = machine_gpa(in),
		.vcpu = fuzz_u8(in) > 250,
	};
	uint64_t args[6] = { at, sizeof(config) };
	int64_t id;

	gmem_write_obj(&machine.mem, at, &config);
	id = machine_call(RAM_BASE + 0x800, HVC_BLK_QUEUE_SETUP, args);
	fuzz_check(id < (int64_t)HVC_BLK_MAX_QUEUES);
	if (id < 0)
		return;
	args[0] = (uint64_t)id;
	args[1] = HVC_BLK_CTRL_ENABLE;
	fuzz_check(machine_call(RAM_BASE + 0x800, HVC_BLK_QUEUE_CTRL, args) == 0);
	hvc_blk_mmio_ops.read(machine.blk, (uint64_t)id * 8, 8);
}

static void call_by_input(struct fuzz_input *in)
{
	uint32_t function = functions[fuzz_upto(in, sizeof(functions) / sizeof(functions[0]) - 1)];
	uint64_t args[6] = { fuzz_u8(in) < 250 ? fuzz_u8(in) % 3 : fuzz_u64(in) };
	int64_t ret;

	if (function == HVC_BLK_READ || function == HVC_BLK_WRITE) {
		args[1] = fuzz_u8(in) < 200 ? fuzz_u32(in) % 2100 : fuzz_u64(in);
		args[2] = machine_gpa(in);
		args[3] = fuzz_u8(in) < 200 ? (uint64_t)fuzz_u8(in) * 512 : fuzz_u64(in);
	} else {
		args[1] = function == HVC_BLK_QUEUE_CTRL ? fuzz_u8(in) % 6 : machine_gpa(in);
		args[2] = fuzz_u64(in) % 512;
	}
	ret = machine_call(fuzz_u8(in) < 200 ? RAM_BASE : machine_gpa(in) & ~7ull, function, args);
	if (function == HVC_BLK_READ && ret > 0)
		fuzz_check((uint64_t)ret <= 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	machine_init();
	oracle.scribble = fuzz_u8(&in);
	while (in.left) {
		if (fuzz_u8(&in) % 4 == 0)
			setup_by_input(&in);
		else
			call_by_input(&in);
	}
	machine_fini();
	return 0;
}
