/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: what the control socket can do to a machine. */
#ifndef ARCVISOR_VM_CONTROL_H
#define ARCVISOR_VM_CONTROL_H

#include "vm/vm.h"

/* Serves the configuration's control socket, if it has one, from here on. 0, or -errno, logged. */
int vm_control_init(struct vm *vm);

/* Tells all clients why the machine ended, then closes. */
void vm_control_fini(struct vm *vm, enum machine_end end);

#endif
