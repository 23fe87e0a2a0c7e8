/* SPDX-License-Identifier: Apache-2.0 */
/* --balloon WORD[,WORD]...: checked as far as the words go. */
#include "ctl/balloon_option.h"

#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "base/util.h"
#include "word.h"

static bool set_size(struct vballoon_config *balloon, const char *value)
{
	return size_parse(value, &balloon->target) == 0 && balloon->target <= VM_MAX_MEMORY &&
	       balloon->target % (4 * KIB) == 0;
}

static bool set_oom(struct vballoon_config *balloon, const char *value)
{
	return word_switch(value, &balloon->deflate_on_oom);
}

static bool set_reporting(struct vballoon_config *balloon, const char *value)
{
	return word_switch(value, &balloon->reporting);
}

static const struct key {
	const char *name;
	bool (*set)(struct vballoon_config *balloon, const char *value);
	const char *values;
} keys[] = {
	{ "size", set_size, "MiB, or a number with K, M, G or T; whole pages of 4K" },
	{ "deflate-on-oom", set_oom, "on or off" },
	{ "free-page-reporting", set_reporting, "on or off" },
};

/* @seen has a bit for each of keys[]. */
static bool take_word(struct vballoon_config *balloon, const char *word, uint32_t *seen)
{
	size_t len = strcspn(word, "=");

	if (strcmp(word, "on") == 0)
		return true;
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0)
			continue;
		if (*seen & BIT(i)) {
			log_error("--balloon: %s is given twice; give it once", keys[i].name);
			return false;
		}
		*seen |= BIT(i);
		if (word[len] && keys[i].set(balloon, word + len + 1))
			return true;
		log_error("--balloon %.64s: give %s", word, keys[i].values);
		return false;
	}
	log_error("--balloon \"%.64s\": give on, size=, deflate-on-oom= or free-page-reporting=",
		  word);
	return false;
}

bool balloon_option_take(struct vm_config *config, char *value)
{
	struct vballoon_config balloon = { .target = 0 };
	uint32_t seen = 0;

	while (value)
		if (!take_word(&balloon, word_next(&value), &seen))
			return false;
	config->balloon = balloon;
	config->has_balloon = true;
	return true;
}
