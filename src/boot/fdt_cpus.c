/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree's CPUs and their caches. */
#include "backend/backend.h"
#include "base/util.h"
#include "fdt_writer.h"

/*
 * Caches of their own have one phandle a CPU and level, shared ones one a level, beyond all that
 * other nodes have.
 */
#define PHANDLE_CACHES		  0x10000u
#define PHANDLE_LEVELS		  8u
#define PHANDLE_CACHE(cpu, level) (PHANDLE_CACHES + ((cpu) + 1) * PHANDLE_LEVELS + (level))
#define PHANDLE_SHARED(level)	  (PHANDLE_CACHES + (level))

static uint32_t phandle_of(const struct cache *cache, unsigned int cpu)
{
	return cache->shared ? PHANDLE_SHARED(cache->level) : PHANDLE_CACHE(cpu, cache->level);
}

/* Devicetree Specification 3.8.3: "i-", "d-" or, for a unified one, nothing before the names. */
static void put_geometry(struct writer *w, const char *prefix, const struct cache *cache)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%scache-size", prefix);
	put_u32(w, name, cache->size);
	snprintf(name, sizeof(name), "%scache-line-size", prefix);
	if (cache->line)
		put_u32(w, name, cache->line);
	snprintf(name, sizeof(name), "%scache-sets", prefix);
	if (cache->sets)
		put_u32(w, name, cache->sets);
}

/* The one beyond level @level, or NULL. */
static const struct cache *next_level(const struct caches *caches, unsigned int level)
{
	for (unsigned int i = 0; i < caches->nr; i++)
		if (caches->cache[i].level > level)
			return &caches->cache[i];
	return NULL;
}

static void put_next(struct writer *w, const struct caches *caches, unsigned int level,
		     unsigned int cpu)
{
	const struct cache *next = next_level(caches, level);

	if (next)
		put_u32(w, "next-level-cache", phandle_of(next, cpu));
}

/* Level 1 is described in the CPU's own node. */
static void put_first_level(struct writer *w, const struct caches *caches, unsigned int cpu)
{
	static const char *const prefixes[] = {
		[CACHE_UNIFIED] = "",
		[CACHE_INSTRUCTION] = "i-",
		[CACHE_DATA] = "d-",
	};

	for (unsigned int i = 0; i < caches->nr && caches->cache[i].level == 1; i++) {
		put_geometry(w, prefixes[caches->cache[i].type], &caches->cache[i]);
		if (caches->cache[i].type == CACHE_UNIFIED)
			put_flag(w, "cache-unified");
	}
	put_next(w, caches, 1, cpu);
}

/* Devicetree Specification 3.9. */
static void write_cache(struct writer *w, const struct caches *caches, const struct cache *cache,
			unsigned int cpu)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "l%u-cache", cache->level);
	begin(w, name);
	put_strings(w, "compatible", "cache");
	put_u32(w, "phandle", phandle_of(cache, cpu));
	put_u32(w, "cache-level", cache->level);
	put_flag(w, "cache-unified");
	put_geometry(w, "", cache);
	put_next(w, caches, cache->level, cpu);
	end(w);
}

static void write_caches(struct writer *w, const struct caches *caches, bool shared,
			 unsigned int cpu)
{
	for (unsigned int i = 0; i < caches->nr; i++)
		if (caches->cache[i].level > 1 && caches->cache[i].shared == shared)
			write_cache(w, caches, &caches->cache[i], cpu);
}

/* arm/cpus.yaml: with one address cell, reg is MPIDR_EL1[23:0]. */
static void write_cpu(struct writer *w, unsigned int index, const struct caches *caches)
{
	uint32_t mpidr = (uint32_t)mpidr_of_index(index);
	char name[NAME_SIZE];

	node_name(name, "cpu", mpidr);
	begin(w, name);
	put_strings(w, "device_type", "cpu");
	put_strings(w, "compatible", "arm,armv8");
	put_u32(w, "reg", mpidr);
	put_strings(w, "enable-method", "psci");
	put_first_level(w, caches, index);
	write_caches(w, caches, false, index);
	end(w);
}

void write_cpus(struct writer *w, unsigned int nr_cpus, const struct caches *caches)
{
	static const struct caches none;
	unsigned int i;

	if (!caches)
		caches = &none;
	begin(w, "cpus");
	put_u32(w, "#address-cells", 1);
	put_u32(w, "#size-cells", 0);
	for (i = 0; i < nr_cpus; i++)
		write_cpu(w, i, caches);
	write_caches(w, caches, true, 0);
	end(w);
}
