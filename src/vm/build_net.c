/* SPDX-License-Identifier: Apache-2.0 */
/* Wires network cards: a window each, doorbells of their queues, a thread a pair of queues. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the network cards: %s", strerror(-error));
	return error;
}

int nets_check(const struct vm_config *config)
{
	for (unsigned int i = 0; i < config->nr_nets; i++) {
		const struct net_config *net = &config->nets[i];

		if (net->queues <= config->cpus)
			continue;
		log_error("%s: queues=%u: the guest has %u vCPUs, and uses no more; give 1 to %u",
			  net->id, net->queues, config->cpus,
			  config->cpus < NET_MAX_QUEUES ? config->cpus : NET_MAX_QUEUES);
		return -EINVAL;
	}
	return 0;
}

static int build_net(struct guest *guest, struct net *net)
{
	struct guest_nets *nets = &guest->nets;
	struct guest_net *this = &nets->nets[nets->nr_nets];
	int ret = vnet_create(net, &this->vnet);

	if (ret < 0)
		return ret;
	nets->nr_nets++;
	return window_build(guest, vnet_device(this->vnet), &this->window);
}

int nets_build(struct guest *guest)
{
	const struct vm_config *config = guest->parts->config;
	int ret = 0;

	if (!config->nr_nets)
		return 0;
	guest->nets.nets = calloc(config->nr_nets, sizeof(guest->nets.nets[0]));
	if (!guest->nets.nets)
		return failed(-ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < config->nr_nets; i++)
		ret = build_net(guest, guest->parts->nets[i]);
	return ret < 0 ? failed(ret) : 0;
}

/* ---- doorbells ------------------------------------------------------------------------------- */

static gpa_t bell_of(const struct guest_net *net)
{
	return net->window.base + VIRTIO_MMIO_QUEUE_NOTIFY;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
static void bind_doorbells(struct guest *guest, struct guest_net *net)
{
	const struct backend_ops *ops = guest->parts->ops;
	unsigned int nr = vnet_device(net->vnet)->nr_queues;

	for (; net->nr_bound < nr; net->nr_bound++) {
		int fd = vnet_doorbell(net->vnet, net->nr_bound);

		if (fd < 0 ||
		    ops->ioeventfd_bind_value(guest->vm, fd, bell_of(net), net->nr_bound) < 0)
			return;
	}
}

static void unbind_doorbells(struct guest *guest, struct guest_net *net)
{
	while (net->nr_bound) {
		unsigned int queue = --net->nr_bound;

		guest->parts->ops->ioeventfd_unbind_value(
			guest->vm, vnet_doorbell(net->vnet, queue), bell_of(net), queue);
	}
}

int nets_connect(struct guest *guest)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < guest->nets.nr_nets; i++) {
		struct guest_net *net = &guest->nets.nets[i];

		ret = window_connect(guest, &net->window);
		if (ret == 0) {
			bind_doorbells(guest, net);
			ret = vnet_start(net->vnet);
		}
	}
	return ret < 0 ? failed(ret) : 0;
}

/* ---- what runs ------------------------------------------------------------------------------- */

void nets_describe(const struct guest *guest, struct fdt_config *fdt)
{
	for (unsigned int i = 0; i < guest->nets.nr_nets; i++)
		window_describe(&guest->nets.nets[i].window, fdt);
}

void nets_get_stats(const struct guest *guest, unsigned int index, struct vnet_stats *stats)
{
	vnet_get_stats(guest->nets.nets[index].vnet, stats);
}

void nets_pause(struct guest *guest)
{
	for (unsigned int i = 0; i < guest->nets.nr_nets; i++)
		vnet_pause(guest->nets.nets[i].vnet);
}

void nets_resume(struct guest *guest)
{
	for (unsigned int i = 0; i < guest->nets.nr_nets; i++)
		vnet_resume(guest->nets.nets[i].vnet);
}

void nets_announce(struct guest *guest)
{
	for (unsigned int i = 0; i < guest->nets.nr_nets; i++)
		vnet_announce(guest->nets.nets[i].vnet);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The host's end stays for the next guest, which finds it as a new one. */
static void fini_net(struct guest *guest, struct guest_net *net)
{
	unbind_doorbells(guest, net);
	window_disconnect(guest, &net->window);
	vnet_stop(net->vnet);
	(void)net_set_offloads(vnet_net(net->vnet), 0);
	window_fini(&net->window);
	vnet_destroy(net->vnet);
}

void nets_fini(struct guest *guest)
{
	struct guest_nets *nets = &guest->nets;

	for (unsigned int i = 0; i < nets->nr_nets; i++)
		fini_net(guest, &nets->nets[i]);
	free(nets->nets);
	*nets = (struct guest_nets){ 0 };
}
