/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: network cards, from their options to their nodes. */
#ifndef ARCVISOR_VM_NETS_H
#define ARCVISOR_VM_NETS_H

#include "virtio/net.h"
#include "window.h"

struct guest;
struct vm_config;

struct guest_net {
	struct vnet *vnet;
	struct virtio_window window;
	unsigned int nr_bound; /* queues whose doorbell the host's kernel rings */
};

/* All of it is empty where there is no card. */
struct guest_nets {
	struct guest_net *nets;
	unsigned int nr_nets;
};

/* Whether their options fit the machine; -EINVAL after a line in the log. */
int nets_check(const struct vm_config *config);

/* As disks_build() and the others, and behind the disks. */
int nets_build(struct guest *guest);
int nets_connect(struct guest *guest);
void nets_describe(const struct guest *guest, struct fdt_config *fdt);
void nets_fini(struct guest *guest);

void nets_get_stats(const struct guest *guest, unsigned int index, struct vnet_stats *stats);

/* After the vCPUs have stopped, and before they go on. */
void nets_pause(struct guest *guest);
void nets_resume(struct guest *guest);

/* Every guest that can tells its networks where it is. */
void nets_announce(struct guest *guest);

#endif
