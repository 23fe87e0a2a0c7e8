/* SPDX-License-Identifier: Apache-2.0 */
/* --rng on|off[,rate=BYTES]: words in any order. */
#include <string.h>

#include "base/log.h"
#include "ctl/options.h"
#include "word.h"

bool set_rng(struct vm_config *config, char *value)
{
	struct rng_config rng = { .on = true };
	char *rest = value, *word;

	while (rest) {
		word = word_next(&rest);
		if (strcmp(word, "on") == 0) {
			rng.on = true;
		} else if (strcmp(word, "off") == 0) {
			rng.on = false;
		} else if (strncmp(word, "rate=", 5) != 0 || !word_bytes(word + 5, &rng.rate)) {
			log_error("--rng: \"%.64s\": give on, off or rate=BYTES, such as rate=64K",
				  word);
			return false;
		}
	}
	if (!rng.on && rng.rate) {
		log_error("--rng: off has no rate; leave one of them out");
		return false;
	}
	config->rng = rng;
	return true;
}
