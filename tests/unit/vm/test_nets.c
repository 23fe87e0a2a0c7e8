/* SPDX-License-Identifier: Apache-2.0 */
/* Network cards of a machine: their windows, doorbells and status; on taps of the kernel. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"

#define FIRST  LAYOUT_VIRTIO_BASE
#define SECOND (LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_EACH)

static void init(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		cr_skip_test("no /dev/net/tun: %s", strerror(errno));
	close(fd);
	machine_rig_init();
	machine_rig_config.nr_nets = 2;
	machine_rig_config.nets[0] = (struct net_config){ .id = "net0", .fd = -1, .queues = 2 };
	machine_rig_config.nets[1] = (struct net_config){ .id = "net1", .fd = -1, .mtu = 1400 };
}

static void fini(void)
{
	machine_rig_fini();
}

TestSuite(nets, .init = init, .fini = fini);

static uint32_t read_register(gpa_t addr)
{
	machine_rig_play_read(addr);
	sim_wait_idle(0);
	return machine_rig_last_read();
}

Test(nets, each_has_a_window_and_doorbells)
{
	machine_rig_start();
	sim_wait_idle(0);
	cr_expect_eq(read_register(FIRST + 0x8), 1);
	cr_expect_eq(read_register(SECOND + 0x8), 1);
	cr_expect_eq(read_register(FIRST + 0x108) & 0xffff, 2, "pairs");
	cr_expect_eq(read_register(SECOND + 0x108), 1400u << 16 | 1);
	for (unsigned int queue = 0; queue < 4; queue++)
		cr_expect_geq(sim_ioeventfd_value(FIRST + 0x50, queue), 0);
	cr_expect_eq(sim_ioeventfd_value(FIRST + 0x50, 0), sim_ioeventfd_value(FIRST + 0x50, 1));
	cr_expect_neq(sim_ioeventfd_value(FIRST + 0x50, 1), sim_ioeventfd_value(FIRST + 0x50, 2));
	cr_expect_eq(sim_ioeventfd_value(FIRST + 0x50, 4), -1, "the control queue is a vCPU's");
	cr_expect_eq(sim_ioeventfd_value(SECOND + 0x50, 2), -1);
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_eq(sim_ioeventfd_value(FIRST + 0x50, 0), -1);
}

Test(nets, they_outlive_a_reset)
{
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(FIRST + 0x8), 1);
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
}

Test(nets, refused_with_more_queues_than_vcpus)
{
	struct vm *vm;

	machine_rig_config.nets[0].queues = 3;
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), -EINVAL);
}
