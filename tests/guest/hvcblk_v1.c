/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall disks by version 1 of their ABI: every call, every error, what a call may change.
 * Built twice: CONDUIT is hvc or smc. Disks: see lib/hvcblk.h.
 */
#include "check.h"
#include "hvcblk.h"
#include "mmu.h"
#include "smccc.h"

#define SENTINEL(n) (0x5e17000000000000UL | (n))

static uint8_t data[8192] __attribute__((aligned(4096)));
static uint8_t copy[8192] __attribute__((aligned(4096)));

static int64_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
	struct smccc_regs regs = { .x = { function, x1, x2, x3, x4 } };
	unsigned int changed = 0;

	for (unsigned int i = 5; i < SMCCC_REGS; i++)
		regs.x[i] = SENTINEL(i);
	smccc_call(&regs);
	for (unsigned int i = 5; i < SMCCC_REGS; i++)
		changed += regs.x[i] != SENTINEL(i);
	changed += regs.x[4] != x4;
	if (changed)
		check_eq(changed, 0, "0x%x keeps x4 to x17", function);
	return (int64_t)regs.x[0];
}

#define check_call(want, name, ...) \
	check_eq((uint64_t)call(__VA_ARGS__), (uint64_t)(int64_t)(want), name)

#define AT(buffer) ((uintptr_t)(buffer))

static void check_data(void)
{
	hvcblk_fill(data, sizeof(data), 1);
	check_call(8192, "write", HVC_BLK_WRITE, DISK_PLAIN, 5, AT(data), 8192);
	check_call(0, "flush", HVC_BLK_FLUSH, DISK_PLAIN, 0, 0, 0);
	check_call(8192, "read", HVC_BLK_READ, DISK_PLAIN, 5, AT(copy), 8192);
	check(hvcblk_same(data, copy, 8192), "what was written is read");
	check_call(512, "read one sector", HVC_BLK_READ, DISK_PLAIN, 6, AT(copy), 512);
	check(hvcblk_same(data + 512, copy, 512), "from its place");
	check_call(512, "write an odd address", HVC_BLK_WRITE, DISK_PLAIN, 0, AT(data) + 3, 512);
	check_call(512, "read to an odd address", HVC_BLK_READ, DISK_PLAIN, 0, AT(copy) + 5, 512);
	check(hvcblk_same(data + 3, copy + 5, 512), "at odd addresses");
	check_call(512, "read of the read-only disk", HVC_BLK_READ, DISK_RO, 0, AT(copy), 512);
}

static void check_capacity(void)
{
	check_call(DISK_COUNT, "probe", HVC_BLK_PROBE, 0, 0, 0, 0);
	check_call(DISK_SECTORS, "capacity", HVC_BLK_CAPACITY, DISK_PLAIN, 0, 0, 0);
	check_call(-HVC_BLK_ENODEV, "capacity of 4096-byte blocks", HVC_BLK_CAPACITY, DISK_4K, 0, 0,
		   0);
	check_call(-HVC_BLK_ENODEV, "capacity of no disk", HVC_BLK_CAPACITY, DISK_COUNT, 0, 0, 0);
	check_call(-HVC_BLK_ENODEV, "capacity of disk 2^64 - 1", HVC_BLK_CAPACITY, ~0UL, 0, 0, 0);
}

static void check_errors(void)
{
	uint64_t end = DISK_SECTORS;

	check_call(-HVC_BLK_ENODEV, "read: no disk", HVC_BLK_READ, DISK_COUNT, 0, AT(copy), 512);
	check_call(-HVC_BLK_ENODEV, "write: no disk", HVC_BLK_WRITE, ~0UL, 0, AT(copy), 512);
	check_call(-HVC_BLK_ENODEV, "flush: no disk", HVC_BLK_FLUSH, DISK_COUNT, 0, 0, 0);
	check_call(-HVC_BLK_ENODEV, "read: 4096-byte blocks", HVC_BLK_READ, DISK_4K, 0, AT(copy),
		   4096);
	check_call(-HVC_BLK_EINVAL, "read: no bytes", HVC_BLK_READ, DISK_PLAIN, 0, AT(copy), 0);
	check_call(-HVC_BLK_EINVAL, "read: half a sector", HVC_BLK_READ, DISK_PLAIN, 0, AT(copy),
		   256);
	check_call(-HVC_BLK_EINVAL, "read: sector 2^64 - 1", HVC_BLK_READ, DISK_PLAIN, ~0UL,
		   AT(copy), 512);
	check_call(-HVC_BLK_EINVAL, "read: sector 2^55", HVC_BLK_READ, DISK_PLAIN, 1UL << 55,
		   AT(copy), 512);
	check_call(-HVC_BLK_EFAULT, "read: address 0", HVC_BLK_READ, DISK_PLAIN, 0, 0, 512);
	check_call(-HVC_BLK_EFAULT, "read: into a device", HVC_BLK_READ, DISK_PLAIN, 0, 0x09000000,
		   512);
	check_call(-HVC_BLK_EFAULT, "read: below memory", HVC_BLK_READ, DISK_PLAIN, 0, 0x3fffff00,
		   512);
	check_call(-HVC_BLK_EFAULT, "read: the last addresses", HVC_BLK_READ, DISK_PLAIN, 0,
		   ~0UL - 511, 512);
	check_call(-HVC_BLK_ERANGE, "read: the end", HVC_BLK_READ, DISK_PLAIN, end, AT(copy), 512);
	check_call(-HVC_BLK_ERANGE, "read: over the end", HVC_BLK_READ, DISK_PLAIN, end - 1,
		   AT(copy), 1024);
	check_call(512, "read: the last sector", HVC_BLK_READ, DISK_PLAIN, end - 1, AT(copy), 512);
	check_call(-HVC_BLK_EROFS, "write: read-only", HVC_BLK_WRITE, DISK_RO, 0, AT(copy), 512);
}

static void check_unused(void)
{
	static const uint32_t unused[] = { 0xc2000005, 0xc20000ff, 0xc2000105, 0xc2005000 };

	for (unsigned int i = 0; i < sizeof(unused) / sizeof(unused[0]); i++)
		check_eq((uint64_t)call(unused[i], 0, 0, 0, 0), (uint64_t)-1, "0x%x", unused[i]);
}

void guest_main(void)
{
	mmu_enable();
	if (call(HVC_BLK_PROBE, 0, 0, 0, 0) == -1) {
		skip("all", "this host takes no calls");
		return;
	}
	check_capacity();
	check_data();
	check_errors();
	check_unused();
}
