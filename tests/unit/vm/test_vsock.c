/* SPDX-License-Identifier: Apache-2.0 */
/* The socket device of a machine: its window, doorbell and socket. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"

#define WINDOW LAYOUT_VIRTIO_BASE

static char path[48];

static void init(void)
{
	machine_rig_init();
	snprintf(path, sizeof(path), "/tmp/vm_vsock.%d", (int)getpid());
	machine_rig_config.vsock = (struct vsock_config){ .cid = 77, .path = path };
}

static void fini(void)
{
	machine_rig_fini();
}

TestSuite(vsock, .init = init, .fini = fini);

static uint32_t read_register(gpa_t addr)
{
	machine_rig_play_read(addr);
	sim_wait_idle(0);
	return machine_rig_last_read();
}

Test(vsock, has_a_window_and_a_doorbell_and_outlives_a_reset)
{
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(WINDOW + 0x8), 19);
	cr_expect_eq(read_register(WINDOW + 0x100), 77);
	for (unsigned int queue = 0; queue < 3; queue++)
		cr_expect_geq(sim_ioeventfd_value(WINDOW + 0x50, queue), 0);
	cr_expect_eq(access(path, F_OK), 0);
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_eq(sim_ioeventfd_value(WINDOW + 0x50, 0), -1);
	cr_expect_neq(access(path, F_OK), 0, "the socket went with the machine");
}

Test(vsock, refused_where_there_is_something_else)
{
	struct vm *vm;
	FILE *file = fopen(path, "w");

	cr_assert(file);
	fclose(file);
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -EEXIST);
	unlink(path);
}
