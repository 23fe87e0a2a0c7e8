/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: virtio consoles, from their options to their nodes. */
#ifndef ARCVISOR_VM_CONSOLES_H
#define ARCVISOR_VM_CONSOLES_H

#include "virtio/console.h"
#include "window.h"

struct guest;
struct vm;
struct vm_config;

struct guest_console {
	struct vcon *vcon; /* NULL: there is none */
	struct virtio_window window;
};

struct guest_consoles {
	struct guest_console terminal, ports;
};

/* Whether their host ends can be had; -errno after a line in the log. */
int consoles_check(const struct vm_config *config);

/* Their host ends, which outlive resets. 0, or -errno, logged; consoles_close() in both cases. */
int consoles_open(struct vm *vm, void (*quit)(void *ctx));
void consoles_close(struct vm *vm);

/* As nets_build() and the others, and behind all of these. */
int consoles_build(struct guest *guest);
int consoles_connect(struct guest *guest);
void consoles_describe(const struct guest *guest, struct fdt_config *fdt);
void consoles_fini(struct guest *guest);

#endif
