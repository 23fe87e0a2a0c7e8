/* SPDX-License-Identifier: Apache-2.0 */
/* The host CPU's caches, as its Linux describes them. */
#include "boot/caches.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define TEXT_SIZE 256 /* a longer list of CPUs is cut, and still tells one CPU from several */

/* The first line of @dir/index@n/@name; false where there is none. */
static bool read_text(const char *dir, unsigned int n, const char *name, char text[TEXT_SIZE])
{
	char path[512];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/index%u/%s", dir, n, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, TEXT_SIZE - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* A number, in KiB where a K follows it; 0 where there is none that fits. */
static uint32_t read_number(const char *dir, unsigned int n, const char *name)
{
	char text[TEXT_SIZE], *end;
	unsigned long long value;

	if (!read_text(dir, n, name, text) || *text < '0' || *text > '9')
		return 0;
	value = strtoull(text, &end, 10);
	if (*end == 'K' && value <= UINT32_MAX)
		value *= KIB;
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static bool read_type(const char *dir, unsigned int n, enum cache_type *type)
{
	static const char *const names[] = {
		[CACHE_UNIFIED] = "Unified",
		[CACHE_INSTRUCTION] = "Instruction",
		[CACHE_DATA] = "Data",
	};
	char text[TEXT_SIZE];

	if (!read_text(dir, n, "type", text))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*type = (enum cache_type)i;
			return true;
		}
	}
	return false;
}

/* The threads of a core share its first level; a cache that others use too is a shared one. */
static bool read_shared(const char *dir, unsigned int n)
{
	char own[TEXT_SIZE], list[TEXT_SIZE];

	return read_text(dir, 0, "shared_cpu_list", own) &&
	       read_text(dir, n, "shared_cpu_list", list) && strcmp(own, list) != 0;
}

static bool read_cache(const char *dir, unsigned int n, struct cache *cache)
{
	*cache = (struct cache){
		.level = read_number(dir, n, "level"),
		.size = read_number(dir, n, "size"),
		.line = read_number(dir, n, "coherency_line_size"),
		.sets = read_number(dir, n, "number_of_sets"),
	};
	if (!read_type(dir, n, &cache->type) || !cache->size || cache->level < 1 ||
	    cache->level > 7)
		return false;
	cache->shared = cache->level > 1 && read_shared(dir, n);
	return cache->level == 1 || cache->type == CACHE_UNIFIED;
}

/* Linux numbers them from the CPU outwards. */
static bool follows(const struct caches *caches, const struct cache *cache)
{
	const struct cache *last;

	if (!caches->nr)
		return cache->level == 1;
	last = &caches->cache[caches->nr - 1];
	if (last->shared && !cache->shared)
		return false;
	if (cache->level == 1)
		return caches->nr == 1 && last->level == 1 && last->type != cache->type &&
		       last->type != CACHE_UNIFIED && cache->type != CACHE_UNIFIED;
	return cache->level == last->level + 1;
}

void caches_read(const char *dir, struct caches *caches)
{
	struct cache cache;

	caches->nr = 0;
	while (caches->nr < CACHES_MAX && read_cache(dir, caches->nr, &cache) &&
	       follows(caches, &cache))
		caches->cache[caches->nr++] = cache;
}

uint32_t caches_types(const struct caches *caches)
{
	static const uint32_t types[] = {
		[CACHE_INSTRUCTION] = 1,
		[CACHE_DATA] = 2, /* with the one before: separate ones, 3 */
		[CACHE_UNIFIED] = 4,
	};
	uint32_t clidr = 0;

	for (unsigned int i = 0; i < caches->nr; i++)
		clidr |= types[caches->cache[i].type] << (3 * (caches->cache[i].level - 1));
	return clidr;
}
