/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's smaller devices: where they are, and that they outlive resets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"

static void init(void)
{
	machine_rig_init();
}

static void fini(void)
{
	machine_rig_fini();
}

TestSuite(devices, .init = init, .fini = fini);

static uint32_t read_register(gpa_t addr)
{
	machine_rig_play_read(addr);
	sim_wait_idle(0);
	return machine_rig_last_read();
}

static void end(void)
{
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
}

Test(devices, none_that_was_not_asked_for)
{
	machine_rig_start();
	sim_wait_idle(0);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE), 0);
	end();
}

/* The terminal's device, then that of all ports; sockets stay where they are through a reset. */
Test(devices, consoles_through_a_reset)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/port.%d", (int)getpid());
	machine_rig_config.has_terminal = true;
	machine_rig_config.terminal = (struct console_config){ .kind = CONSOLE_NONE };
	machine_rig_config.nr_ports = 2;
	machine_rig_config.ports[0] = (struct console_config){ CONSOLE_SOCKET, path, "a" };
	machine_rig_config.ports[1] = (struct console_config){ CONSOLE_NONE, NULL, "b" };
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE + 8), 3);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE + 0x104), 0);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_EACH + 8), 3);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_EACH + 0x104), 3);
	cr_expect_eq(access(path, F_OK), 0);
	end();
	cr_expect_neq(access(path, F_OK), 0);
}

Test(devices, a_port_s_socket_is_refused_before_anything_is_made)
{
	struct vm *vm;

	machine_rig_config.nr_ports = 1;
	machine_rig_config.ports[0] = (struct console_config){ CONSOLE_SOCKET, "/tmp", "a" };
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -EEXIST);
}

/* The control frame's registers by hand: it is enabled, and left alone. */
static void let_expire(enum vm_watchdog what)
{
	machine_rig_config.watchdog = what;
	machine_rig_start();
	sim_wait_idle(0);
	cr_expect_eq(read_register(LAYOUT_WDT_CTRL + 0xfcc) >> 16, 1);
	cr_expect_eq(read_register(LAYOUT_WDT_CTRL), 0);
	machine_rig_play_write(LAYOUT_WDT_CTRL + 0x8, 1000);
	machine_rig_play_write(LAYOUT_WDT_CTRL, 1);
}

Test(devices, a_watchdog_can_reset)
{
	let_expire(VM_WATCHDOG_RESET);
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(LAYOUT_WDT_CTRL), 0);
	end();
}

Test(devices, a_watchdog_can_end_the_machine)
{
	let_expire(VM_WATCHDOG_EXIT);
	cr_expect_eq(machine_rig_wait(), MACHINE_WATCHDOG);
}

Test(devices, an_entropy_device_through_a_reset)
{
	machine_rig_config.rng = (struct rng_config){ .on = true, .rate = 1000 };
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE), 0x74726976);
	cr_expect_eq(read_register(LAYOUT_VIRTIO_BASE + 8), 4);
	cr_expect_eq(sim_ioeventfd_value(LAYOUT_VIRTIO_BASE + 0x50, 0), -1, "a vCPU serves it");
	end();
}
