/* SPDX-License-Identifier: Apache-2.0 */
/* The balloon of a machine: its window and doorbell, its target through a reset, what is refused.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "backend/sim.h"
#include "base/util.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"

#define WINDOW LAYOUT_VIRTIO_BASE

static void init(void)
{
	machine_rig_init();
	machine_rig_config.has_balloon = true;
	machine_rig_config.balloon = (struct vballoon_config){ .target = 8 * MIB };
}

TestSuite(balloon, .init = init, .fini = machine_rig_fini);

static uint32_t read_register(gpa_t addr)
{
	machine_rig_play_read(addr);
	sim_wait_idle(0);
	return machine_rig_last_read();
}

Test(balloon, has_a_window_a_doorbell_and_a_target_that_stays_through_a_reset)
{
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(WINDOW + 0x8), 5);
	cr_expect_eq(read_register(WINDOW + 0x100), 8 * MIB / 4096);
	cr_expect_geq(sim_ioeventfd(WINDOW + 0x50, 4), 0);
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_eq(sim_ioeventfd(WINDOW + 0x50, 4), -1);
}

static void refused(void)
{
	struct vm *vm;

	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -EINVAL);
}

Test(balloon, refused_with_what_it_cannot_have)
{
	machine_rig_config.balloon.target = machine_rig_config.memory + 4096;
	refused();
	machine_rig_config.balloon.target = 0;
	machine_rig_config.balloon.reporting = true;
	machine_rig_config.backing.huge = GMEM_HUGE_POOL;
	machine_rig_config.backing.huge_size = 64 * MIB; /* of which no host has any */
	refused();
}
