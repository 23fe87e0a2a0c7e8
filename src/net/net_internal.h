/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/net: what each kind of host end offers to net.c. */
#ifndef ARCVISOR_NET_INTERNAL_H
#define ARCVISOR_NET_INTERNAL_H

#include "net/net.h"

/* Each fills @net, whose id, mac and mtu are there; 0, or -errno after one line in the log. */
int tap_open(const struct net_config *config, struct net *net);
int tap_adopt(const struct net_config *config, struct net *net);
int passt_open(const struct net_config *config, struct net *net);

#endif
