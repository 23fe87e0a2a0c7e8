/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --balloon. */
#ifndef ARCVISOR_CTL_BALLOON_OPTION_H
#define ARCVISOR_CTL_BALLOON_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * on|size=SIZE|deflate-on-oom=on|off|free-page-reporting=on|off, one or more of them.
 *
 * Gives @config a balloon. @value is cut into pieces where it stands. False after a line in the
 * log.
 */
bool balloon_option_take(struct vm_config *config, char *value);

#endif
