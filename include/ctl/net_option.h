/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --net. */
#ifndef ARCVISOR_CTL_NET_OPTION_H
#define ARCVISOR_CTL_NET_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * tap=NAME|tap=auto|fd=N|user[,mac=XX:XX:XX:XX:XX:XX][,queues=N][,mtu=N][,vhost=on|off]
 * [,tcp=PORTS]...[,udp=PORTS]...
 *
 * Adds the card to @config. @value is cut into pieces where it stands. False after a line in the
 * log; @config is as before.
 */
bool net_option_take(struct vm_config *config, char *value);

#endif
