/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --vsock. */
#ifndef ARCVISOR_CTL_VSOCK_OPTION_H
#define ARCVISOR_CTL_VSOCK_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * cid=N,path=PATH or cid=N,vhost=on
 *
 * Sets @config's socket device. @value is cut into pieces where it stands. False after a line in
 * the log; @config is as before.
 */
bool vsock_option_take(struct vm_config *config, char *value);

#endif
