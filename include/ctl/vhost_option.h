/* SPDX-License-Identifier: Apache-2.0 */
/* The values of --fs and --vhost-user-blk. */
#ifndef ARCVISOR_CTL_VHOST_OPTION_H
#define ARCVISOR_CTL_VHOST_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * --fs tag=TAG,path=DIR[,ro]|socket=PATH[,queues=N]
 * --vhost-user-blk socket=PATH[,queues=N]
 *
 * Adds the device to @config. @value is cut into pieces where it stands, and they are what the
 * configuration points to. False after a line in the log; @config is as before.
 */
bool fs_option_take(struct vm_config *config, char *value);
bool vhost_blk_option_take(struct vm_config *config, char *value);

#endif
