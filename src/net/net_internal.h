/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/net: what each kind of host end offers to net.c. */
#ifndef ARCVISOR_NET_INTERNAL_H
#define ARCVISOR_NET_INTERNAL_H

#include "net/net.h"

/* Each fills @net, whose id, mac and mtu are there; 0, or -errno after one line in the log. */
int tap_open(const struct net_config *config, struct net *net);
int tap_adopt(const struct net_config *config, struct net *net);
int passt_open(const struct net_config *config, struct net *net);

/* Instances of vhost-net for @net's queues: 0, or -errno after one line in the log. */
int net_vhost_open(struct net *net);
void net_vhost_close(struct net *net); /* nothing where there are none */

/* ---- link.c: interfaces by rtnetlink(7) ------------------------------------------------------ */

/* A descriptor that can be read when an interface changes, comes or goes; -errno. */
int link_watch(void);

/* Empties it. True: it had told something. */
bool link_changed(int fd);

/* The counters of interface @name. 0 or -errno. */
int link_get_counts(const char *name, struct net_counts *counts);

#endif
