/* SPDX-License-Identifier: Apache-2.0 */
/* --disk PATH[,KEY[=VALUE]]...: one disk a use, checked as far as the words go. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/disk_option.h"
#include "word.h"

#define MAX_QUEUES 512u
#define TWIN	   "-hvc" /* after the id of via=both: its second disk's */

/* What the words say: a disk, and where they say via=both the file of its twin by hypercalls. */
struct disk_option {
	struct disk_config disk; /* first: option_of() */
	bool both;
	const char *hvc_file;
};

static struct disk_option *option_of(struct disk_config *disk)
{
	return (struct disk_option *)disk;
}

/* ---- one function a key: whether it takes the value ------------------------------------------ */

static bool set_ro(struct disk_config *disk, const char *value)
{
	(void)value;
	disk->read_only = true;
	return true;
}

static bool set_direct(struct disk_config *disk, const char *value)
{
	(void)value;
	disk->direct = true;
	return true;
}

static bool set_cached(struct disk_config *disk, const char *value)
{
	(void)value;
	disk->direct = false;
	return true;
}

static bool set_engine(struct disk_config *disk, const char *value)
{
	if (strcmp(value, "uring") == 0)
		disk->engine = BLK_ENGINE_URING;
	else if (strcmp(value, "sync") == 0)
		disk->engine = BLK_ENGINE_SYNC;
	else
		return strcmp(value, "auto") == 0;
	return true;
}

static bool set_queues(struct disk_config *disk, const char *value)
{
	uint64_t queues = 0;

	if (!word_number(value, MAX_QUEUES, &queues))
		return false;
	disk->queues = (unsigned int)queues;
	return true;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text) && *text != ' ')
			return false;
	return true;
}

static bool set_serial(struct disk_config *disk, const char *value)
{
	size_t len = strlen(value);

	if (!len || len > DISK_SERIAL_MAX || !is_printable(value))
		return false;
	memcpy(disk->serial, value, len + 1);
	return true;
}

static bool set_discard(struct disk_config *disk, const char *value)
{
	disk->discard = strcmp(value, "unmap") == 0;
	return disk->discard || strcmp(value, "off") == 0;
}

static bool set_id(struct disk_config *disk, const char *value)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t len = strlen(value);

	if (!len || len > DISK_ID_MAX || value[strspn(value, allowed)])
		return false;
	memcpy(disk->id, value, len + 1);
	return true;
}

static bool set_block_size(struct disk_config *disk, const char *value)
{
	uint64_t size = 0;

	if (!word_number(value, 4096, &size) || (size != 512 && size != 4096))
		return false;
	disk->block_size = (unsigned int)size;
	return true;
}

static bool set_mode(struct disk_config *disk, const char *value)
{
	static const char *const names[] = {
		[DISK_MODE_AUTO] = "auto",
		[DISK_MODE_INLINE] = "inline",
		[DISK_MODE_THREAD] = "thread",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		disk->mode = (enum disk_mode)i;
		return true;
	}
	return false;
}

static bool set_via(struct disk_config *disk, const char *value)
{
	struct disk_option *option = option_of(disk);

	option->both = strcmp(value, "both") == 0;
	disk->via = strcmp(value, "hvc") == 0 ? DISK_VIA_HVC : DISK_VIA_VIRTIO;
	return option->both || disk->via == DISK_VIA_HVC || strcmp(value, "virtio") == 0;
}

static bool set_hvc_file(struct disk_config *disk, const char *value)
{
	option_of(disk)->hvc_file = value;
	return *value;
}

static bool set_bps(struct disk_config *disk, const char *value)
{
	return word_bytes(value, &disk->bytes.rate);
}

static bool set_bps_burst(struct disk_config *disk, const char *value)
{
	return word_bytes(value, &disk->bytes.burst);
}

static bool set_iops(struct disk_config *disk, const char *value)
{
	return word_number(value, 1000000000, &disk->ops.rate);
}

static bool set_iops_burst(struct disk_config *disk, const char *value)
{
	return word_number(value, 1000000000, &disk->ops.burst);
}

static const struct key {
	const char *name;
	bool (*set)(struct disk_config *disk, const char *value);
	const char *values; /* what it takes; NULL where it takes none */
	const char *excludes;
} keys[] = {
	{ "ro", set_ro, NULL, NULL },
	{ "direct", set_direct, NULL, "cached" },
	{ "cached", set_cached, NULL, "direct" },
	{ "engine", set_engine, "auto, uring or sync", NULL },
	{ "queues", set_queues, "1 to 512", NULL },
	{ "serial", set_serial, "1 to 20 printable characters", NULL },
	{ "discard", set_discard, "off or unmap", NULL },
	{ "id", set_id, "1 to 32 letters, digits, dots, dashes or underscores", NULL },
	{ "block-size", set_block_size, "512 or 4096", NULL },
	{ "mode", set_mode, "auto, inline or thread", NULL },
	{ "via", set_via, "virtio, hvc or both", NULL },
	{ "hvc-file", set_hvc_file, "a file", NULL },
	{ "bps", set_bps, "bytes a second, such as 100M", NULL },
	{ "bps-burst", set_bps_burst, "bytes, such as 10M", NULL },
	{ "iops", set_iops, "operations a second, 1 to 1000000000", NULL },
	{ "iops-burst", set_iops_burst, "operations, 1 to 1000000000", NULL },
};

/* ---- words ----------------------------------------------------------------------------------- */

static const struct key *find_key(const char *word, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == len && strncmp(keys[i].name, word, len) == 0)
			return &keys[i];
	return NULL;
}

static bool refused_key(const struct disk_config *disk, const char *word)
{
	log_error("--disk %.128s: \"%.64s\" is no option of a disk; see arcvisor run --help (a "
		  "comma in a path is written twice)",
		  disk->path, word);
	return false;
}

/* @seen has a bit for each of keys[]. */
static bool check_seen(const struct disk_config *disk, const struct key *key, uint32_t *seen)
{
	const struct key *other =
		key->excludes ? find_key(key->excludes, strlen(key->excludes)) : NULL;

	if (*seen & BIT(key - keys)) {
		log_error("--disk %.128s: %s is given twice; give it once", disk->path, key->name);
		return false;
	}
	if (other && (*seen & BIT(other - keys))) {
		log_error("--disk %.128s: %s and %s exclude each other; give one of them",
			  disk->path, key->name, other->name);
		return false;
	}
	*seen |= BIT(key - keys);
	return true;
}

static bool take_word(struct disk_config *disk, char *word, uint32_t *seen)
{
	size_t len = strcspn(word, "=");
	const struct key *key = find_key(word, len);
	const char *value = word[len] ? word + len + 1 : NULL;

	if (!key)
		return refused_key(disk, word);
	if (!check_seen(disk, key, seen))
		return false;
	if (!key->values && value) {
		log_error("--disk %.128s: %s takes no value; leave out what follows the =",
			  disk->path, key->name);
		return false;
	}
	if (key->values && (!value || !key->set(disk, value))) {
		log_error("--disk %.128s: %s%s%.64s: give %s", disk->path, key->name,
			  value ? "=" : "", value ? value : "", key->values);
		return false;
	}
	return key->values ? true : key->set(disk, NULL);
}

/* ---- the disk among the others --------------------------------------------------------------- */

static bool is_taken(const struct vm_config *config, const char *id)
{
	for (unsigned int i = 0; i < config->nr_disks; i++)
		if (strcmp(config->disks[i].id, id) == 0)
			return true;
	return false;
}

static void choose_id(const struct vm_config *config, struct disk_config *disk)
{
	unsigned int number = config->nr_disks;

	do {
		snprintf(disk->id, sizeof(disk->id), "disk%u", number++);
	} while (is_taken(config, disk->id));
}

static bool check_whole(const struct vm_config *config, const struct disk_config *disk)
{
	if ((disk->bytes.burst && !disk->bytes.rate) || (disk->ops.burst && !disk->ops.rate)) {
		const char *rate = disk->bytes.burst && !disk->bytes.rate ? "bps" : "iops";

		log_error("--disk %.128s: %s-burst without %s; give both", disk->path, rate, rate);
		return false;
	}
	if (is_taken(config, disk->id)) {
		log_error("--disk %.128s: id=%s is another disk's; give each its own", disk->path,
			  disk->id);
		return false;
	}
	return true;
}

static bool check_path(const char *path)
{
	if (!*path) {
		log_error("--disk: the path is empty; name a file or a block device");
		return false;
	}
	if (strncmp(path, "--", 2) == 0) {
		log_error("--disk needs a file before %.64s; a file of that name is ./%.64s", path,
			  path);
		return false;
	}
	return true;
}

static bool check_room(const struct vm_config *config, const char *value)
{
	if (config->nr_disks < VM_MAX_DISKS)
		return true;
	log_error("--disk %.64s: a machine has at most %u disks; leave some out", value,
		  VM_MAX_DISKS);
	return false;
}

static bool check_both(const struct disk_option *option)
{
	if (option->both == (option->hvc_file != NULL))
		return true;
	log_error("--disk %.128s: via=both is for two files, the second named by hvc-file=FILE; "
		  "give both or neither",
		  option->disk.path);
	return false;
}

/* The second of via=both is the first's twin but for its file, its name and how it is reached. */
static bool add_both(struct vm_config *config, const struct disk_option *option, bool named)
{
	const struct disk_config *disk = &option->disk;
	struct disk_config second = *disk;
	size_t len = strlen(disk->id);

	config->disks[config->nr_disks++] = *disk;
	second.via = DISK_VIA_HVC;
	second.path = option->hvc_file;
	second.queues = 0;
	if (named && len + strlen(TWIN) > DISK_ID_MAX) {
		log_error("--disk %.128s: id=%s: with via=both give at most %zu characters",
			  disk->path, disk->id, DISK_ID_MAX - strlen(TWIN));
		goto fail;
	}
	if (named)
		memcpy(second.id + len, TWIN, sizeof(TWIN));
	else
		choose_id(config, &second);
	if (!check_room(config, second.path) || !check_whole(config, &second))
		goto fail;
	config->disks[config->nr_disks++] = second;
	return true;

fail:
	config->nr_disks--;
	return false;
}

bool disk_option_take(struct vm_config *config, char *value)
{
	struct disk_option option = { .disk.discard = true };
	struct disk_config *disk = &option.disk;
	uint32_t seen = 0;
	bool named;

	if (!check_room(config, value))
		return false;
	disk->path = word_next(&value);
	if (!check_path(disk->path))
		return false;
	while (value)
		if (!take_word(disk, word_next(&value), &seen))
			return false;
	named = disk->id[0];
	if (!named)
		choose_id(config, disk);
	if (!check_both(&option) || !check_whole(config, disk))
		return false;
	if (option.both)
		return add_both(config, &option, named);
	config->disks[config->nr_disks++] = *disk;
	return true;
}
