/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/size.h"
#include "base/util.h"

static void assert_size(const char *text, uint64_t expected)
{
	uint64_t bytes = 0;

	cr_assert_eq(size_parse(text, &bytes), 0, "%s", text);
	cr_assert_eq(bytes, expected, "%s is %llu", text, (unsigned long long)bytes);
}

static void assert_error(const char *text, int error)
{
	uint64_t bytes = 0x1234;

	cr_assert_eq(size_parse(text, &bytes), error, "%s", text);
	cr_assert_eq(bytes, 0x1234, "%s wrote a size", text);
}

Test(size, plain_number_is_mib)
{
	assert_size("512", 512 * MIB);
	assert_size("0", 0);
}

Test(size, suffix_is_binary)
{
	assert_size("3K", 3 * KIB);
	assert_size("3M", 3 * MIB);
	assert_size("3G", 3 * GIB);
	assert_size("3T", 3 * 1024 * GIB);
}

Test(size, suffix_in_either_case)
{
	assert_size("3k", 3 * KIB);
	assert_size("3m", 3 * MIB);
	assert_size("3g", 3 * GIB);
	assert_size("3t", 3 * 1024 * GIB);
}

Test(size, suffix_may_be_spelled_out)
{
	assert_size("3KiB", 3 * KIB);
	assert_size("3mib", 3 * MIB);
	assert_size("3GIB", 3 * GIB);
}

Test(size, largest_sizes_fit)
{
	assert_size("16777215T", 16777215 * (1024 * GIB));
	assert_size("18014398509481983K", UINT64_MAX - 1023);
}

Test(size, over_64_bits_is_out_of_range)
{
	assert_error("16777216T", -ERANGE);
	assert_error("18014398509481984K", -ERANGE);
	assert_error("18446744073709551615", -ERANGE);
	assert_error("18446744073709551616K", -ERANGE);
	assert_error("99999999999999999999999999K", -ERANGE);
}

Test(size, without_digits_is_no_size)
{
	assert_error("", -EINVAL);
	assert_error("M", -EINVAL);
	assert_error("huge", -EINVAL);
}

Test(size, unknown_suffix_is_no_size)
{
	assert_error("1X", -EINVAL);
	assert_error("1MB", -EINVAL);
	assert_error("1Mi", -EINVAL);
	assert_error("1MiBs", -EINVAL);
	assert_error("1 M", -EINVAL);
	assert_error("1.5G", -EINVAL);
	assert_error("0x10", -EINVAL);
	assert_error("99999999999999999999X", -EINVAL);
}

Test(size, sign_and_space_are_no_size)
{
	assert_error("-1", -EINVAL);
	assert_error("+1", -EINVAL);
	assert_error(" 1", -EINVAL);
	assert_error("1 ", -EINVAL);
}
