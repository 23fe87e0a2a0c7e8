/* SPDX-License-Identifier: Apache-2.0 */
/* --fs and --vhost-user-blk: devices that another process serves, checked as far as the words go.
 */
#include "ctl/vhost_option.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "word.h"

static bool set_tag(struct vhost_config *vhost, const char *value)
{
	size_t len = strlen(value);

	if (vhost->kind != VHOST_FS || !len || len > VHOST_TAG_MAX)
		return false;
	memcpy(vhost->tag, value, len + 1);
	return true;
}

static bool set_path(struct vhost_config *vhost, const char *value)
{
	vhost->path = value;
	return vhost->kind == VHOST_FS && *value;
}

static bool set_socket(struct vhost_config *vhost, const char *value)
{
	vhost->socket = value;
	return *value;
}

static bool set_queues(struct vhost_config *vhost, const char *value)
{
	uint64_t queues = 0;

	if (!word_number(value, VHOST_MAX_QUEUES, &queues))
		return false;
	vhost->queues = (unsigned int)queues;
	return true;
}

static const struct key {
	const char *name;
	bool (*set)(struct vhost_config *vhost, const char *value);
	const char *values;
	bool fs; /* of --fs alone */
} keys[] = {
	{ "tag", set_tag, "1 to 36 bytes, by which the guest mounts it", true },
	{ "path", set_path, "a folder of the host", true },
	{ "socket", set_socket, "the path where its back end listens", false },
	{ "queues", set_queues, "1 to 16", false },
};

static const char *option_of(const struct vhost_config *vhost)
{
	return vhost->kind == VHOST_FS ? "--fs" : "--vhost-user-blk";
}

/* @seen has a bit for each of keys[]. */
static bool take_word(struct vhost_config *vhost, const char *word, uint32_t *seen)
{
	size_t len = strcspn(word, "=");

	if (vhost->kind == VHOST_FS && strcmp(word, "ro") == 0) {
		vhost->read_only = true;
		return true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0 ||
		    (keys[i].fs && vhost->kind != VHOST_FS))
			continue;
		if (*seen & BIT(i)) {
			log_error("%s: %s is given twice; give it once", option_of(vhost),
				  keys[i].name);
			return false;
		}
		*seen |= BIT(i);
		if (word[len] && keys[i].set(vhost, word + len + 1))
			return true;
		log_error("%s %.64s: give %s", option_of(vhost), word, keys[i].values);
		return false;
	}
	log_error("%s: \"%.64s\" is no option of it; see arcvisor run --help", option_of(vhost),
		  word);
	return false;
}

static bool check_fs(const struct vm_config *config, const struct vhost_config *vhost)
{
	if (!vhost->tag[0] || !vhost->path == !vhost->socket) {
		log_error("--fs: give tag=TAG and path=DIR, or tag=TAG and socket=PATH");
		return false;
	}
	if (vhost->socket && vhost->read_only) {
		log_error("--fs tag=%s: ro is for path=; tell the back end at socket=", vhost->tag);
		return false;
	}
	for (unsigned int i = 0; i < config->nr_vhosts; i++) {
		if (strcmp(config->vhosts[i].tag, vhost->tag) != 0)
			continue;
		log_error("--fs tag=%s: is another folder's; give each its own", vhost->tag);
		return false;
	}
	return true;
}

static bool check_whole(const struct vm_config *config, const struct vhost_config *vhost)
{
	if (vhost->kind == VHOST_FS)
		return check_fs(config, vhost);
	if (!vhost->socket)
		log_error("--vhost-user-blk: give socket=PATH, where its back end listens");
	return vhost->socket;
}

static bool take(struct vm_config *config, enum vhost_kind kind, char *value)
{
	struct vhost_config vhost = { .kind = kind };
	unsigned int nr = 0;
	uint32_t seen = 0;

	if (config->nr_vhosts == VM_MAX_VHOSTS) {
		log_error("%s %.64s: a machine has at most %u devices of vhost-user; leave some "
			  "out",
			  option_of(&vhost), value, VM_MAX_VHOSTS);
		return false;
	}
	while (value)
		if (!take_word(&vhost, word_next(&value), &seen))
			return false;
	if (!check_whole(config, &vhost))
		return false;
	for (unsigned int i = 0; i < config->nr_vhosts; i++)
		nr += config->vhosts[i].kind == kind;
	snprintf(vhost.id, sizeof(vhost.id), "%s%u", kind == VHOST_FS ? "fs" : "vblk", nr);
	config->vhosts[config->nr_vhosts++] = vhost;
	return true;
}

bool fs_option_take(struct vm_config *config, char *value)
{
	return take(config, VHOST_FS, value);
}

bool vhost_blk_option_take(struct vm_config *config, char *value)
{
	return take(config, VHOST_BLK, value);
}
