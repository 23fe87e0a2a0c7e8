/* SPDX-License-Identifier: Apache-2.0 */
/* --memory SIZE[,KEY=VALUE]...: how much, and what of; checked as far as the words go. */
#include "ctl/memory_option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "base/util.h"
#include "word.h"

static bool take_size(struct vm_config *config, const char *value)
{
	uint64_t bytes = UINT64_MAX;

	if (size_parse(value, &bytes) == -EINVAL) {
		log_error("--memory \"%.64s\": not a size; give MiB, or a number with K, M, G or "
			  "T, such as 2G",
			  value);
		return false;
	}
	if (bytes < VM_MIN_MEMORY) {
		log_error("--memory %.64s: too little; give %lluM or more (no suffix means MiB)",
			  value, VM_MIN_MEMORY >> 20);
		return false;
	}
	if (bytes > VM_MAX_MEMORY) {
		log_error("--memory %.64s: too much; give %lluT or less (no suffix means MiB)",
			  value, VM_MAX_MEMORY >> 40);
		return false;
	}
	if (bytes % VM_MEMORY_ALIGN) {
		log_error("--memory %.64s: not whole MiB; give %lluM", value,
			  (unsigned long long)bytes >> 20);
		return false;
	}
	config->memory = bytes;
	return true;
}

/* ---- what of --------------------------------------------------------------------------------- */

/* Sizes that a pool of some arm64 host can have: of granules of 4, 16 and 64 KiB. */
static bool is_pool_size(uint64_t size)
{
	return size == 64 * KIB || size == 2 * MIB || size == 32 * MIB || size == 512 * MIB ||
	       size == GIB || size == 16 * GIB;
}

static bool set_hugepages(struct vm_config *config, const char *value)
{
	struct gmem_backing *backing = &config->backing;

	if (strcmp(value, "off") == 0) {
		backing->huge = GMEM_HUGE_OFF;
		return true;
	}
	if (strcmp(value, "thp") == 0) {
		backing->huge = GMEM_HUGE_THP;
		return true;
	}
	backing->huge = GMEM_HUGE_POOL;
	return size_parse(value, &backing->huge_size) == 0 && is_pool_size(backing->huge_size);
}

static bool set_prealloc(struct vm_config *config, const char *value)
{
	return word_switch(value, &config->backing.prealloc);
}

static bool set_pin(struct vm_config *config, const char *value)
{
	return word_switch(value, &config->backing.pin);
}

static bool set_shared(struct vm_config *config, const char *value)
{
	bool shared = false, valid = word_switch(value, &shared);

	config->share = shared ? VM_SHARE_ON : VM_SHARE_OFF;
	return valid;
}

static bool set_merge(struct vm_config *config, const char *value)
{
	return word_switch(value, &config->backing.merge);
}

static bool set_node(struct vm_config *config, const char *value)
{
	struct gmem_backing *backing = &config->backing;

	if (!*value || strlen(value) > 4 || value[strspn(value, "0123456789")])
		return false;
	backing->bind = true;
	backing->node = (unsigned int)strtoul(value, NULL, 10);
	return backing->node <= GMEM_MAX_NODE;
}

enum { HUGEPAGES, PREALLOC, PIN, SHARED, MERGE, NODE };

static const struct key {
	const char *name;
	bool (*set)(struct vm_config *config, const char *value);
	const char *values;
} keys[] = {
	[HUGEPAGES] = { "hugepages", set_hugepages,
			"off, thp, or a size of pages, such as 2M or 1G" },
	[PREALLOC] = { "prealloc", set_prealloc, "on or off" },
	[PIN] = { "pin", set_pin, "on or off" },
	[SHARED] = { "shared", set_shared, "on or off" },
	[MERGE] = { "merge", set_merge, "on or off" },
	[NODE] = { "node", set_node, "the number of a NUMA node" },
};

/* @seen has a bit for each of keys[]. */
static bool take_word(struct vm_config *config, const char *first, const char *word, uint32_t *seen)
{
	size_t len = strcspn(word, "=");

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0)
			continue;
		if (*seen & BIT(i)) {
			log_error("--memory %.64s: %s is given twice; give it once", first,
				  keys[i].name);
			return false;
		}
		*seen |= BIT(i);
		if (word[len] && keys[i].set(config, word + len + 1))
			return true;
		log_error("--memory %.64s: %.64s: give %s", first, word, keys[i].values);
		return false;
	}
	log_error("--memory %.64s: \"%.64s\" is no option of memory; see arcvisor run --help",
		  first, word);
	return false;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Linux merges anonymous memory of one process alone, in pages of the smallest size. */
static bool check_merge(struct vm_config *config, const char *first)
{
	struct gmem_backing *backing = &config->backing;

	if (!backing->merge)
		return true;
	if (config->share == VM_SHARE_ON) {
		log_error("--memory %.64s: merge=on is for private memory; leave out shared=on",
			  first);
		return false;
	}
	if (backing->huge == GMEM_HUGE_POOL) {
		log_error("--memory %.64s: merge=on cannot merge pages of a pool; leave out "
			  "hugepages=",
			  first);
		return false;
	}
	config->share = VM_SHARE_OFF;
	return true;
}

/* Pages that are pinned are neither merged nor taken later. */
static bool check_pin(struct gmem_backing *backing, const char *first, uint32_t seen)
{
	if (!backing->pin)
		return true;
	if (backing->merge || ((seen & BIT(PREALLOC)) && !backing->prealloc)) {
		log_error("--memory %.64s: pin=on keeps every page where it is; leave out %s",
			  first, backing->merge ? "merge=on" : "prealloc=off");
		return false;
	}
	backing->prealloc = true;
	return true;
}

static bool check_pool(const struct vm_config *config, const char *first)
{
	const struct gmem_backing *backing = &config->backing;

	if (backing->huge != GMEM_HUGE_POOL)
		return true;
	if (config->share == VM_SHARE_OFF) {
		log_error("--memory %.64s: shared=off is not for pages of a pool; leave it out",
			  first);
		return false;
	}
	if (config->memory % backing->huge_size == 0)
		return true;
	log_error("--memory %.64s: not whole huge pages; give a multiple of %lluM", first,
		  (unsigned long long)(backing->huge_size / MIB));
	return false;
}

bool memory_option_take(struct vm_config *config, char *value)
{
	const char *first = word_next(&value);
	uint32_t seen = 0;

	if (!take_size(config, first))
		return false;
	while (value)
		if (!take_word(config, first, word_next(&value), &seen))
			return false;
	return check_merge(config, first) && check_pin(&config->backing, first, seen) &&
	       check_pool(config, first);
}
