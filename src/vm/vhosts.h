/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: devices of vhost-user, from their options to their nodes. */
#ifndef ARCVISOR_VM_VHOSTS_H
#define ARCVISOR_VM_VHOSTS_H

#include "virtio/vhost.h"
#include "window.h"

struct guest;
struct vm_config;

struct guest_vhost {
	struct vvhost *vvhost;
	struct virtio_window window;
	unsigned int nr_bound; /* queues whose doorbell the host's kernel rings */
};

/* All of it is empty where there is none. */
struct guest_vhosts {
	struct guest_vhost *vhosts;
	unsigned int nr_vhosts;
};

/* Whether the machine's memory is such that others can have it; -EINVAL after a line in the log. */
int vhosts_check(const struct vm_config *config);

/* As disks_build() and the others. */
int vhosts_build(struct guest *guest);
int vhosts_connect(struct guest *guest);
void vhosts_describe(const struct guest *guest, struct fdt_config *fdt);
void vhosts_fini(struct guest *guest);

#endif
