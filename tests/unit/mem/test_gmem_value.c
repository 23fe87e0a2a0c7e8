/* SPDX-License-Identifier: Apache-2.0 */
/* Single values: byte order, alignment, edges. */
#include "mem/gmem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "fixture.h"

TestSuite(gmem_value, .init = fixture_init, .fini = fixture_fini);

static const uint8_t bytes[8] = { 0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0x88 };

Test(gmem_value, reads_little_endian)
{
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	memcpy(mem.regions[1].host + 8, bytes, sizeof(bytes));
	cr_assert_eq(gmem_read8(&mem, mid + 8, &v8), 0);
	cr_assert_eq(gmem_read16(&mem, mid + 8, &v16), 0);
	cr_assert_eq(gmem_read32(&mem, mid + 8, &v32), 0);
	cr_assert_eq(gmem_read64(&mem, mid + 8, &v64), 0);
	cr_assert_eq(v8, 0xf1);
	cr_assert_eq(v16, 0xe2f1);
	cr_assert_eq(v32, 0xc4d3e2f1);
	cr_assert_eq(v64, 0x8897a6b5c4d3e2f1);
}

static void expect_written(uint64_t len)
{
	const uint8_t *host = mem.regions[1].host;

	cr_assert_eq(memcmp(host + 8, bytes, len), 0);
	cr_assert_eq(host[7], fixture_byte(mid + 7));
	cr_assert_eq(host[8 + len], fixture_byte(mid + 8 + len));
}

Test(gmem_value, writes_little_endian_and_no_byte_more)
{
	cr_assert_eq(gmem_write8(&mem, mid + 8, 0xf1), 0);
	expect_written(1);
	cr_assert_eq(gmem_write16(&mem, mid + 8, 0xe2f1), 0);
	expect_written(2);
	cr_assert_eq(gmem_write32(&mem, mid + 8, 0xc4d3e2f1), 0);
	expect_written(4);
	cr_assert_eq(gmem_write64(&mem, mid + 8, 0x8897a6b5c4d3e2f1), 0);
	expect_written(8);
}

Test(gmem_value, refuses_what_is_not_aligned)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	for (unsigned int i = 1; i < 8; i++) {
		cr_assert_eq(gmem_read16(&mem, mid + i, &v16), i % 2 ? -EINVAL : 0);
		cr_assert_eq(gmem_read32(&mem, mid + i, &v32), i % 4 ? -EINVAL : 0);
		cr_assert_eq(gmem_read64(&mem, mid + i, &v64), -EINVAL);
	}
	cr_assert_eq(gmem_write16(&mem, mid + 1, 0), -EINVAL);
	cr_assert_eq(gmem_write32(&mem, mid + 2, 0), -EINVAL);
	cr_assert_eq(gmem_write64(&mem, mid + 4, 0), -EINVAL);
	fixture_expect_untouched();
}

Test(gmem_value, takes_a_region_to_its_last_value)
{
	uint64_t v64;

	cr_assert_eq(gmem_read64(&mem, high + page - 8, &v64), 0);
	cr_assert_eq(gmem_write64(&mem, high + page - 8, 1), 0);
	cr_assert_eq(gmem_read64(&mem, high + page, &v64), -EFAULT);
}

Test(gmem_value, refuses_what_is_not_ram)
{
	uint8_t v8 = 1;
	uint16_t v16 = 2;
	uint32_t v32 = 3;
	uint64_t v64 = 4;

	cr_assert_eq(gmem_read8(&mem, hole, &v8), -EFAULT);
	cr_assert_eq(gmem_read16(&mem, low - 2, &v16), -EFAULT);
	cr_assert_eq(gmem_read32(&mem, high + page, &v32), -EFAULT);
	cr_assert_eq(gmem_read64(&mem, UINT64_MAX - 7, &v64), -EFAULT);
	cr_assert(v8 == 1 && v16 == 2 && v32 == 3 && v64 == 4, "a failure wrote a result");
	cr_assert_eq(gmem_write8(&mem, UINT64_MAX, 0), -EFAULT);
	cr_assert_eq(gmem_write16(&mem, hole, 0), -EFAULT);
	cr_assert_eq(gmem_write32(&mem, 0, 0), -EFAULT);
	cr_assert_eq(gmem_write64(&mem, high - 8, 0), -EFAULT);
	fixture_expect_untouched();
}
