/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --memory. */
#ifndef ARCVISOR_CTL_MEMORY_OPTION_H
#define ARCVISOR_CTL_MEMORY_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * SIZE[,hugepages=off|thp|SIZE][,prealloc=on|off][,pin=on|off][,shared=on|off][,merge=on|off][,node=N]
 *
 * Sets the size and the backing in @config. @value is cut into pieces where it stands. False after
 * a line in the log.
 */
bool memory_option_take(struct vm_config *config, char *value);

#endif
