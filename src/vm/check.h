/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: whether this host can have the machine that is asked for. */
#ifndef ARCVISOR_VM_CHECK_H
#define ARCVISOR_VM_CHECK_H

#include "backend/backend.h"
#include "gic.h"
#include "vm/config.h"

/* What @config's guest memory is made of: this process' alone unless others must map it. */
struct gmem_backing memory_backing(const struct vm_config *config);

/*
 * 0 with *@caps what the host has, and in *@gic which interrupt controller the guest gets, or
 * -EINVAL (or what the probe said) after one line that names the limit and the remedy.
 */
int check_host(const struct backend_ops *ops, const struct vm_config *config,
	       struct backend_caps *caps, struct gic_choice *gic);

#endif
