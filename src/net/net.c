/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "net_internal.h"

/* Unicast, and of nobody's range. */
static int make_mac(uint8_t *mac)
{
	if (getrandom(mac, NET_MAC_SIZE, 0) != (ssize_t)NET_MAC_SIZE)
		return -errno;
	mac[0] = (uint8_t)((mac[0] & ~0x01u) | 0x02u);
	return 0;
}

static int fill(const struct net_config *config, struct net *net)
{
	memcpy(net->id, config->id, sizeof(net->id));
	net->mtu = config->mtu;
	net->nr_queues = config->queues ? config->queues : 1;
	atomic_store(&net->active, net->nr_queues);
	for (unsigned int i = 0; i < NET_MAX_QUEUES; i++)
		net->fds[i] = net->vhosts[i] = -1;
	net->watch = -1;
	if (!config->has_mac)
		return make_mac(net->mac);
	memcpy(net->mac, config->mac, NET_MAC_SIZE);
	return 0;
}

static int open_end(const struct net_config *config, struct net *net)
{
	switch (config->kind) {
	case NET_TAP:
		return tap_open(config, net);
	case NET_FD:
		return tap_adopt(config, net);
	case NET_USER:
		return passt_open(config, net);
	}
	return -EINVAL;
}

int net_open(const struct net_config *config, struct net **out)
{
	struct net *net = calloc(1, sizeof(*net));
	int ret = net ? fill(config, net) : -ENOMEM;

	if (ret < 0)
		log_error("%s: cannot be made: %s", config->id, strerror(-ret));
	else if (config->vhost)
		ret = net_vhost_open(net);
	if (ret == 0)
		ret = open_end(config, net);
	if (ret < 0) {
		net_close(net);
		return ret;
	}
	*out = net;
	return 0;
}

void net_close(struct net *net)
{
	if (!net)
		return;
	if (net->ops)
		net->ops->close(net);
	net_vhost_close(net);
	for (unsigned int i = 0; i < NET_MAX_QUEUES; i++)
		if (net->fds[i] >= 0)
			close(net->fds[i]);
	free(net->stream);
	free(net);
}

int net_set_offloads(struct net *net, uint32_t offloads)
{
	return net->ops->set_offloads(net, offloads & net->offloads);
}

int net_set_queues(struct net *net, unsigned int queues)
{
	int ret = net->ops->set_queues(net, queues);

	if (ret == 0)
		atomic_store(&net->active, queues);
	return ret;
}

bool net_check_gone(struct net *net, unsigned int queue)
{
	if (atomic_load(&net->gone))
		return true;
	if (!net->ops->is_gone(net, queue))
		return false;
	if (!atomic_exchange(&net->gone, true))
		log_warn("%s: %s%s%s is gone; the guest's link is down", net->id, net->kind,
			 net->name[0] ? " " : "", net->name);
	return true;
}
