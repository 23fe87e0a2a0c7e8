/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: the entropy device, from its option to its node. */
#ifndef ARCVISOR_VM_RNG_H
#define ARCVISOR_VM_RNG_H

#include "virtio/rng.h"
#include "window.h"

struct guest;

/* All of it is empty where there is none. */
struct guest_rng {
	struct vrng *vrng;
	struct virtio_window window;
};

/* As nets_build() and the others, and behind the network cards. */
int rng_build(struct guest *guest);
int rng_connect(struct guest *guest);
void rng_describe(const struct guest *guest, struct fdt_config *fdt);
void rng_fini(struct guest *guest);

#endif
