/* SPDX-License-Identifier: Apache-2.0 */
/* --vsock cid=N,path=PATH, or vhost=on: checked as far as the words go. */
#include <string.h>

#include "base/log.h"
#include "ctl/vsock_option.h"
#include "word.h"

#define WHOLE "cid=N,path=PATH or cid=N,vhost=on"

static bool set_cid(struct vsock_config *vsock, const char *value)
{
	uint64_t cid = 0;

	if (vsock->cid || !word_number(value, VSOCK_MAX_CID, &cid) || cid < VSOCK_MIN_CID) {
		log_error("--vsock cid=%.64s: give it once, %u to %u", value, VSOCK_MIN_CID,
			  VSOCK_MAX_CID);
		return false;
	}
	vsock->cid = (uint32_t)cid;
	return true;
}

static bool set_path(struct vsock_config *vsock, const char *value)
{
	if (vsock->path || !*value || strlen(value) > VSOCK_PATH_MAX) {
		log_error("--vsock path=%.128s: give it once, 1 to %u bytes; _PORT goes behind it",
			  value, VSOCK_PATH_MAX);
		return false;
	}
	vsock->path = value;
	return true;
}

static bool set_vhost(struct vsock_config *vsock, const char *value)
{
	if (word_switch(value, &vsock->vhost))
		return true;
	log_error("--vsock vhost=%.64s: give on or off", value);
	return false;
}

static bool take_word(struct vsock_config *vsock, const char *word)
{
	if (strncmp(word, "vhost=", 6) == 0)
		return set_vhost(vsock, word + 6);
	if (strncmp(word, "cid=", 4) == 0)
		return set_cid(vsock, word + 4);
	if (strncmp(word, "path=", 5) == 0)
		return set_path(vsock, word + 5);
	log_error("--vsock \"%.64s\": is no option of a socket device; give " WHOLE, word);
	return false;
}

static bool check_whole(const struct vsock_config *vsock)
{
	if (vsock->cid && !vsock->path != !vsock->vhost)
		return true;
	if (vsock->path && vsock->vhost)
		log_error("--vsock vhost=on: the host's kernel has no path; leave one of them out");
	else
		log_error("--vsock: %s is missing; give " WHOLE, vsock->cid ? "path=" : "cid=");
	return false;
}

bool vsock_option_take(struct vm_config *config, char *value)
{
	struct vsock_config vsock = { 0 };

	while (value)
		if (!take_word(&vsock, word_next(&value)))
			return false;
	if (!check_whole(&vsock))
		return false;
	config->vsock = vsock;
	return true;
}
