/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the socket device, from its option to its node. */
#ifndef ARCVISOR_VM_VSOCKS_H
#define ARCVISOR_VM_VSOCKS_H

#include "virtio/vsock.h"
#include "window.h"

struct guest;

/* All of it is empty where there is none. */
struct guest_vsock {
	struct vvsock *vvsock;
	struct virtio_window window;
	bool bound; /* the host's kernel rings the doorbell */
};

/* As nets_build() and the others, and behind the network cards. */
int vsocks_build(struct guest *guest);
int vsocks_connect(struct guest *guest);
void vsocks_describe(const struct guest *guest, struct fdt_config *fdt);
void vsocks_fini(struct guest *guest);

#endif
