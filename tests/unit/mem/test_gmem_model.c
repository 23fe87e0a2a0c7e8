/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory against a model: a map of bytes that are RAM or not. Random layouts, random
 * operations, one seed. Each expectation is computed byte by byte, without sums that can wrap.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/util.h"
#include "fixture.h"

#define SPAN_PAGES 48u /* the model's part of the guest address space */
#define LAYOUTS	   24u
#define OPERATIONS 600u
#define MAX_LEN	   (3 * page)

static struct {
	gpa_t base;
	bool present[SPAN_PAGES];
	uint8_t *bytes;
	unsigned int nr_regions;
} model;

static uint8_t *buf;
static uint64_t state = 0x9e3779b97f4a7c15;

/* xorshift64 */
static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* The model's byte @at bytes after @gpa, or NULL where there is no RAM. */
static uint8_t *model_byte(gpa_t gpa, uint64_t at)
{
	uint64_t offset;

	if (at > UINT64_MAX - gpa || gpa + at < model.base)
		return NULL;
	offset = gpa + at - model.base;
	if (offset >= SPAN_PAGES * page || !model.present[offset / page])
		return NULL;
	return &model.bytes[offset];
}

static bool model_all_ram(gpa_t gpa, uint64_t len)
{
	for (uint64_t at = 0; at < len; at++)
		if (!model_byte(gpa, at))
			return false;
	return true;
}

static int model_add(unsigned int first, unsigned int count)
{
	if (model.nr_regions == GMEM_MAX_REGIONS)
		return -ENOSPC;
	for (unsigned int i = first; i < first + count; i++)
		if (model.present[i])
			return -EEXIST;
	for (unsigned int i = first; i < first + count; i++)
		model.present[i] = true;
	model.nr_regions++;
	return 0;
}

static void lay_out(gpa_t base)
{
	memset(model.present, 0, sizeof(model.present));
	memset(model.bytes, 0, SPAN_PAGES * page);
	model.base = base;
	model.nr_regions = 0;
	gmem_init(&mem);
	for (unsigned int i = 0; i < GMEM_MAX_REGIONS + 4; i++) {
		unsigned int first = (unsigned int)rnd(SPAN_PAGES);
		unsigned int count = 1 + (unsigned int)rnd(6);

		count = MIN(count, SPAN_PAGES - first);
		cr_assert_eq(gmem_add(&mem, base + first * page, count * page),
			     model_add(first, count));
	}
	cr_assert_eq(mem.nr_regions, model.nr_regions);
}

/* Mostly in or near a region, often at a page's edge; at times anywhere. */
static gpa_t random_gpa(void)
{
	gpa_t gpa = model.base + rnd(SPAN_PAGES + 2) * page - page;

	switch (rnd(8)) {
	case 0:
		return state;
	case 1:
	case 2:
		return gpa + rnd(page);
	default:
		return gpa + rnd(17) - 8;
	}
}

static uint64_t random_len(void)
{
	switch (rnd(8)) {
	case 0:
		return UINT64_MAX - rnd(3 * page);
	case 1:
	case 2:
		return rnd(MAX_LEN);
	case 3:
		return rnd(4) * page;
	default:
		return rnd(20);
	}
}

static void check_read(gpa_t gpa, uint64_t len)
{
	bool ok = model_all_ram(gpa, len);

	memset(buf, 0xaa, MAX_LEN);
	cr_assert_eq(gmem_read(&mem, gpa, buf, len), ok ? 0 : -EFAULT);
	for (uint64_t at = 0; at < MAX_LEN; at++)
		cr_assert_eq(buf[at], ok && at < len ? *model_byte(gpa, at) : 0xaa);
}

static void check_write(gpa_t gpa, uint64_t len)
{
	bool ok = model_all_ram(gpa, len);

	for (uint64_t at = 0; at < MAX_LEN; at++)
		buf[at] = (uint8_t)rnd(256);
	cr_assert_eq(gmem_write(&mem, gpa, buf, len), ok ? 0 : -EFAULT);
	for (uint64_t at = 0; ok && at < len; at++)
		*model_byte(gpa, at) = buf[at];
}

static void check_zero(gpa_t gpa, uint64_t len)
{
	bool ok = model_all_ram(gpa, len);

	cr_assert_eq(gmem_zero(&mem, gpa, len), ok ? 0 : -EFAULT);
	for (uint64_t at = 0; ok && at < len; at++)
		*model_byte(gpa, at) = 0;
}

static void check_slice(gpa_t gpa, uint64_t len)
{
	const uint8_t *host = gmem_slice(&mem, gpa, len);

	cr_assert(!host || (len && model_all_ram(gpa, len)));
	for (uint64_t at = 0; host && at < len; at++)
		cr_assert_eq(host[at], *model_byte(gpa, at));
	if (len == 1)
		cr_assert_eq(!!host, model_all_ram(gpa, 1));
}

static void check_iov(gpa_t gpa, uint64_t len)
{
	struct iovec iov[GMEM_MAX_REGIONS];
	int n = gmem_iov(&mem, gpa, len, iov, GMEM_MAX_REGIONS);
	uint64_t at = 0;

	if (!model_all_ram(gpa, len)) {
		cr_assert_eq(n, -EFAULT);
		return;
	}
	for (int i = 0; i < n; i++) {
		const uint8_t *host = iov[i].iov_base;

		for (uint64_t j = 0; j < iov[i].iov_len; j++)
			cr_assert_eq(host[j], *model_byte(gpa, at++));
	}
	cr_assert_eq(at, len);
}

static void check_value(gpa_t gpa, uint64_t len)
{
	bool ok = model_all_ram(gpa, 4);
	uint32_t val;
	int ret = gmem_read32(&mem, gpa, &val);

	(void)len;
	cr_assert_eq(ret, gpa % 4 ? -EINVAL : ok ? 0 : -EFAULT);
	for (unsigned int i = 0; ret == 0 && i < 4; i++)
		cr_assert_eq((uint8_t)(val >> 8 * i), *model_byte(gpa, i));
}

static void (*const checks[])(gpa_t gpa, uint64_t len) = {
	check_read, check_write, check_zero, check_slice, check_iov, check_value,
};

/* What no operation named must be as it was. */
static void check_everything(void)
{
	for (unsigned int i = 0; i < mem.nr_regions; i++) {
		const struct gmem_region *region = &mem.regions[i];

		cr_assert_eq(memcmp(region->host, model_byte(region->base, 0), region->size), 0);
	}
}

Test(gmem_model, behaves_as_a_map_of_bytes)
{
	fixture_empty();
	const gpa_t bases[] = { 0, FIXTURE_BASE, UINT64_MAX - (SPAN_PAGES + 1) * page + 1 };

	model.bytes = malloc(SPAN_PAGES * page);
	buf = malloc(MAX_LEN);
	cr_assert(model.bytes && buf);
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		lay_out(bases[i % ARRAY_SIZE(bases)]);
		for (unsigned int op = 0; op < OPERATIONS; op++)
			checks[rnd(ARRAY_SIZE(checks))](random_gpa(), random_len());
		check_everything();
		gmem_fini(&mem);
	}
	free(buf);
	free(model.bytes);
}
