/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --pmem. */
#ifndef ARCVISOR_CTL_PMEM_OPTION_H
#define ARCVISOR_CTL_PMEM_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * PATH[,ro|,rw][,id=NAME]: one more device of @config. @value is cut into pieces where it stands.
 * False after a line in the log.
 */
bool pmem_option_take(struct vm_config *config, char *value);

#endif
