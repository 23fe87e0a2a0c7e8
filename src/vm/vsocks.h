/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the socket device, from its option to its node. */
#ifndef ARCVISOR_VM_VSOCKS_H
#define ARCVISOR_VM_VSOCKS_H

#include "virtio/vsock.h"
#include "virtio/vsock_vhost.h"
#include "vm/vm.h"
#include "window.h"

struct guest;

/* All of it is empty where there is none. */
struct guest_vsock {
	struct vvsock *vvsock;	    /* by us; or */
	struct vvsock_vhost *vhost; /* by the host's kernel */
	struct virtio_window window;
	unsigned int nr_bound; /* queues whose doorbell the host's kernel rings */
};

/* As nets_build() and the others, and behind the network cards. */
int vsocks_build(struct guest *guest);
int vsocks_connect(struct guest *guest);
void vsocks_describe(const struct guest *guest, struct fdt_config *fdt);
void vsocks_fini(struct guest *guest);

void vsocks_get_status(const struct guest *guest, struct vm_vsock_status *status);

#endif
