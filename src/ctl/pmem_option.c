/* SPDX-License-Identifier: Apache-2.0 */
/* --pmem PATH[,ro|,rw][,id=NAME]: one device a use, checked as far as the words go. */
#include "ctl/pmem_option.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "word.h"

static bool set_id(struct pmem_config *pmem, const char *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t len = strlen(id);

	if (!len || len > PMEM_ID_MAX || id[strspn(id, allowed)])
		return false;
	memcpy(pmem->id, id, len + 1);
	return true;
}

/* What was given so far. */
struct seen {
	bool access, id;
};

static bool twice(const struct pmem_config *pmem, const char *what)
{
	log_error("--pmem %.128s: %s; give one", pmem->path, what);
	return false;
}

static bool take_word(struct pmem_config *pmem, const char *word, struct seen *seen)
{
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		if (seen->access)
			return twice(pmem, "ro or rw is given twice");
		seen->access = true;
		pmem->writable = word[1] == 'w';
		return true;
	}
	if (strncmp(word, "id=", 3) == 0) {
		if (seen->id)
			return twice(pmem, "id is given twice");
		seen->id = true;
		if (set_id(pmem, word + 3))
			return true;
		log_error("--pmem %.128s: %.64s: give 1 to 32 letters, digits, _ . or -",
			  pmem->path, word);
		return false;
	}
	log_error("--pmem %.128s: \"%.64s\" is no option of it; give ro, rw or id=NAME", pmem->path,
		  word);
	return false;
}

static bool has_id(const struct vm_config *config, const char *id)
{
	for (unsigned int i = 0; i < config->nr_pmems; i++)
		if (strcmp(config->pmems[i].id, id) == 0)
			return true;
	return false;
}

/* The first of pmem0, pmem1, ... that no device has. */
static void choose_id(const struct vm_config *config, struct pmem_config *pmem)
{
	unsigned int n = 0;

	do {
		snprintf(pmem->id, sizeof(pmem->id), "pmem%u", n++);
	} while (has_id(config, pmem->id));
}

static bool check_path(const char *path)
{
	if (!*path) {
		log_error("--pmem: the path is empty; name a raw image");
		return false;
	}
	/* A forgotten value makes getopt take the next option for it. */
	if (strncmp(path, "--", 2) == 0) {
		log_error("--pmem needs a file before %.64s; a file of that name is ./%.64s", path,
			  path);
		return false;
	}
	return true;
}

bool pmem_option_take(struct vm_config *config, char *value)
{
	struct pmem_config pmem = { .path = NULL };
	struct seen seen = { false, false };

	if (config->nr_pmems == VM_MAX_PMEMS) {
		log_error("--pmem %.64s: a machine has at most %u pmem devices; leave some out",
			  value, VM_MAX_PMEMS);
		return false;
	}
	pmem.path = word_next(&value);
	if (!check_path(pmem.path))
		return false;
	while (value)
		if (!take_word(&pmem, word_next(&value), &seen))
			return false;
	if (!pmem.id[0])
		choose_id(config, &pmem);
	if (has_id(config, pmem.id)) {
		log_error("--pmem %.128s: id=%s is another's; give each its own", pmem.path,
			  pmem.id);
		return false;
	}
	config->pmems[config->nr_pmems++] = pmem;
	return true;
}
