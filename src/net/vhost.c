/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's packets by the host's kernel: vhost-net, an instance for each queue of the tap, with two
 * virtqueues each (Linux drivers/vhost/net.c).
 */
#include <errno.h>
#include <linux/vhost.h>
#include <unistd.h>

#include "base/log.h"
#include "net_internal.h"
#include "vhost/kernel.h"

#define NOTHING (-1) /* a backend that takes a queue from the kernel */

static const struct vhost_kernel kernel = {
	.path = "/dev/vhost-net",
	.module = "vhost_net",
	.option = "--net vhost=on",
	.instead = "leave out vhost=on",
};

/* ---- queues ---------------------------------------------------------------------------------- */

static int set_backend(const struct net *net, unsigned int pair, unsigned int index, int fd)
{
	const struct vhost_vring_file file = { .index = index, .fd = fd };

	return vhost_kernel_call(net->vhosts[pair], VHOST_NET_SET_BACKEND, &file);
}

static void stop(struct net *net, unsigned int pair, uint16_t *bases)
{
	for (unsigned int i = 0; i < 2; i++) {
		(void)set_backend(net, pair, i, NOTHING);
		(void)vhost_kernel_get_base(net->vhosts[pair], i, &bases[i]);
	}
}

static int start(struct net *net, unsigned int pair, uint64_t features, const struct gmem *mem,
		 const struct vhost_queue *queues)
{
	int fd = net->vhosts[pair];
	int ret = vhost_kernel_set_features(fd, features & net->vhost_features);

	if (ret == 0)
		ret = vhost_kernel_set_memory(fd, mem);
	for (unsigned int i = 0; ret == 0 && i < 2; i++) {
		struct vhost_queue queue = queues[i];

		queue.index = i;
		ret = vhost_kernel_set_queue(fd, &queue);
	}
	for (unsigned int i = 0; ret == 0 && i < 2; i++)
		ret = set_backend(net, pair, i, net->fds[pair]);
	for (unsigned int i = 0; ret < 0 && i < 2; i++)
		(void)set_backend(net, pair, i, NOTHING);
	return ret;
}

static bool changed(struct net *net)
{
	return net->watch >= 0 && link_changed(net->watch);
}

static int get_counts(const struct net *net, struct net_counts *counts)
{
	return link_get_counts(net->name, counts);
}

static const struct net_vhost_ops vhost_ops = {
	.start = start,
	.stop = stop,
	.changed = changed,
	.get_counts = get_counts,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int open_instances(struct net *net)
{
	for (unsigned int i = 0; i < net->nr_queues; i++) {
		net->vhosts[i] = vhost_kernel_open(&kernel);
		if (net->vhosts[i] < 0)
			return net->vhosts[i];
	}
	return vhost_kernel_get_features(net->vhosts[0], &net->vhost_features);
}

int net_vhost_open(struct net *net)
{
	int ret = open_instances(net);

	if (ret < 0)
		return vhost_kernel_refused(&kernel, ret);
	net->vhost = &vhost_ops;
	net->watch = link_watch();
	if (net->watch < 0)
		log_info("%s: nobody tells when its tap is gone: no netlink socket", net->id);
	return 0;
}

void net_vhost_close(struct net *net)
{
	for (unsigned int i = 0; i < NET_MAX_QUEUES; i++)
		if (net->vhosts[i] >= 0)
			close(net->vhosts[i]);
	if (net->watch >= 0)
		close(net->watch);
}
