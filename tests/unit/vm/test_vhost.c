/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of vhost-user that a machine cannot have. */
#include <criterion/criterion.h>
#include <errno.h>

#include "backend/sim.h"
#include "machine_rig.h"

TestSuite(vhost, .init = machine_rig_init, .fini = machine_rig_fini);

/* Nobody else can map private memory; and nobody listens there. */
Test(vhost, refused_with_private_memory_and_without_a_back_end)
{
	struct vm *vm;

	machine_rig_config.nr_vhosts = 1;
	machine_rig_config.vhosts[0] =
		(struct vhost_config){ .kind = VHOST_BLK, .id = "vblk0", .socket = "/nowhere" };
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -ENOENT);
	machine_rig_config.share = VM_SHARE_OFF;
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -EINVAL);
}
