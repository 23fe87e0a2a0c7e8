/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the memory balloon, from its option to its node. */
#ifndef ARCVISOR_VM_BALLOONS_H
#define ARCVISOR_VM_BALLOONS_H

#include "virtio/balloon.h"
#include "window.h"

struct guest;
struct vm_config;

/* Empty where there is none. */
struct guest_balloon {
	struct vballoon *vballoon;
	struct virtio_window window;
	bool bound; /* the host's kernel rings its doorbell */
};

/* Whether its options fit the machine; -EINVAL after a line in the log. */
int balloon_check(const struct vm_config *config);

/* As disks_build() and the others. */
int balloon_build(struct guest *guest);
int balloon_connect(struct guest *guest);
void balloon_describe(const struct guest *guest, struct fdt_config *fdt);
void balloon_fini(struct guest *guest);

#endif
