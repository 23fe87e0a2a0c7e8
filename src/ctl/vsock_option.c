/* SPDX-License-Identifier: Apache-2.0 */
/* --vsock cid=N,path=PATH: checked as far as the words go. */
#include <string.h>

#include "base/log.h"
#include "ctl/vsock_option.h"
#include "word.h"

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

static bool take_word(struct vsock_config *vsock, const char *word)
{
	if (strncmp(word, "cid=", 4) == 0)
		return set_cid(vsock, word + 4);
	if (strncmp(word, "path=", 5) == 0)
		return set_path(vsock, word + 5);
	log_error("--vsock \"%.64s\": is no option of a socket device; give cid=N,path=PATH", word);
	return false;
}

bool vsock_option_take(struct vm_config *config, char *value)
{
	struct vsock_config vsock = { 0 };

	while (value)
		if (!take_word(&vsock, word_next(&value)))
			return false;
	if (!vsock.cid || !vsock.path) {
		log_error("--vsock: %s is missing; give cid=N,path=PATH",
			  vsock.cid ? "path=" : "cid=");
		return false;
	}
	config->vsock = vsock;
	return true;
}
