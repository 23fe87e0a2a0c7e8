/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU that cannot go on: what --on-crash asks for. */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"

static char core[64];

static void setup(void)
{
	machine_rig_init();
	snprintf(core, sizeof(core), "/tmp/arcvisor-test-%d.core", (int)getpid());
	machine_rig_config.dump_file = core;
}

static void teardown(void)
{
	unlink(core);
	machine_rig_fini();
}

TestSuite(crash, .init = setup, .fini = teardown);

static void play_crash(void)
{
	const struct vcpu_exit exit = { .kind = VCPU_EXIT_INTERNAL_ERROR };

	sim_play(0, &exit);
}

Test(crash, ends_the_machine)
{
	machine_rig_start();
	play_crash();
	cr_expect_eq(machine_rig_wait(), MACHINE_CRASH);
	cr_expect_eq(access(core, F_OK), -1);
}

/* Its vCPUs have left the guest when their registers are read, which is the last thing done. */
static void expect_kept(void)
{
	machine_rig_config.on_crash = VM_CRASH_PAUSE;
	machine_rig_start();
	sim_wait_idle(0);
	play_crash();
	sim_wait_calls(SIM_VCPU_GET_CONTEXT, 1); /* the report is all but out */
}

Test(crash, a_kept_guest_is_let_go_by_a_signal)
{
	expect_kept();
	kill(getpid(), SIGTERM);
	cr_expect_eq(machine_rig_wait(), MACHINE_CRASH);
	cr_expect(!sim_machine_lives());
}

/* A machine that is asked to end while it crashes ends, whichever comes first. */
Test(crash, a_request_to_end_is_never_lost)
{
	machine_rig_config.on_crash = VM_CRASH_PAUSE;
	machine_rig_config.stop_timeout = 0;
	for (unsigned int i = 0; i < 20; i++) {
		enum machine_end end;

		machine_rig_start();
		play_crash();
		kill(getpid(), SIGTERM);
		end = machine_rig_wait();
		cr_assert(end == MACHINE_CRASH || end == MACHINE_TIMEOUT, "%d", (int)end);
	}
}

Test(crash, a_dump_has_memory_and_registers)
{
	struct vcpu_regs regs = { .pc = 0x40001234, .x = { [7] = 0x7777 } };
	uint64_t values[34];
	struct stat st;
	Elf64_Ehdr elf;
	int fd;

	machine_rig_config.on_crash = VM_CRASH_DUMP;
	machine_rig_start();
	sim_wait_idle(0);
	sim_set_regs(0, &regs);
	play_crash();
	cr_expect_eq(machine_rig_wait(), MACHINE_CRASH);

	fd = open(core, O_RDONLY);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_expect_gt((uint64_t)st.st_size, machine_rig_config.memory);
	cr_assert_eq(read(fd, &elf, sizeof(elf)), (ssize_t)sizeof(elf));
	cr_expect_eq(elf.e_machine, EM_AARCH64);
	/* After NT_PRPSINFO and the first NT_PRSTATUS up to its registers. */
	cr_assert_eq(pread(fd, values, sizeof(values),
			   (off_t)(sizeof(elf) + 9 * sizeof(Elf64_Phdr) + 20 + 136 + 20 + 112)),
		     (ssize_t)sizeof(values));
	cr_expect_eq(values[7], 0x7777);
	cr_expect_eq(values[32], 0x40001234);
	close(fd);
}

Test(crash, a_dump_that_cannot_be_written_is_still_a_crash)
{
	machine_rig_config.on_crash = VM_CRASH_DUMP;
	machine_rig_config.dump_file = "/nowhere/core";
	machine_rig_start();
	play_crash();
	cr_expect_eq(machine_rig_wait(), MACHINE_CRASH);
}

/* Other ends are none of its business. */
Test(crash, a_guest_that_powers_off_is_not_kept)
{
	machine_rig_config.on_crash = VM_CRASH_PAUSE;
	machine_rig_start();
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
}
