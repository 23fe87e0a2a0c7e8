/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_rig.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/sim.h"
#include "hvc/psci.h"

struct vm_config machine_rig_config;

static const struct backend_caps host = {
	.api_version = 12,
	.ipa_bits = 40,
	.max_vcpus = 512,
	.gic_v3 = true,
	.smccc_filter = true,
	.irqfd = true,
	.ioeventfd = true,
	.immediate_exit = true,
	.psci_0_2 = true,
	.readonly_mem = true,
	.counter_hz = 25000000,
};

static char kernel_path[] = "/tmp/machine_rig.XXXXXX";
static pthread_t thread;
static struct vm *vm;
static enum machine_end end;

/* A file with the header of an arm64 Image (booting.rst) and nothing in it that could run. */
static void write_kernel(void)
{
	uint8_t image[4096] = { 0 };
	uint64_t image_size = 0x100000, flags = 0xa;
	int fd = mkstemp(kernel_path);

	memcpy(image + 16, &image_size, 8);
	memcpy(image + 24, &flags, 8);
	memcpy(image + 56, "ARM\x64", 4);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, image, sizeof(image)), (ssize_t)sizeof(image));
	close(fd);
}

void machine_rig_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sim_init();
	sim_set_caps(&host);
	write_kernel();
	machine_rig_config = (struct vm_config){
		.kernel = kernel_path,
		.cpus = 2,
		.memory = 64 << 20,
		.stop_timeout = VM_MAX_STOP,
		.console = { .kind = CONSOLE_NONE },
	};
}

void machine_rig_fini(void)
{
	unlink(kernel_path);
	cr_expect_not(sim_machine_lives());
}

static void *run(void *ctx)
{
	(void)ctx;
	cr_expect_eq(vm_run(vm, &end), 0);
	return NULL;
}

void machine_rig_start(void)
{
	end = MACHINE_RUNNING;
	cr_assert_eq(vm_create(&backend_sim, &machine_rig_config, &vm), 0);
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

enum machine_end machine_rig_wait(void)
{
	pthread_join(thread, NULL);
	vm_destroy(vm);
	return end;
}

void machine_rig_play_psci(unsigned int fn)
{
	sim_play_call(0, false, PSCI_FN32 + fn, 0, NULL);
}

static void play_mmio(gpa_t addr, uint32_t val, bool is_write)
{
	const struct vcpu_exit exit = {
		.kind = VCPU_EXIT_MMIO,
		.mmio = { .addr = addr, .data = val, .len = 4, .is_write = is_write },
	};

	sim_play(0, &exit);
}

void machine_rig_play_write(gpa_t addr, uint32_t val)
{
	play_mmio(addr, val, true);
}

void machine_rig_play_read(gpa_t addr)
{
	play_mmio(addr, 0, false);
}

uint32_t machine_rig_last_read(void)
{
	struct vcpu_exit exit;
	size_t n = sim_nr_replies(0);

	while (n-- > 0)
		if (sim_reply(0, n, &exit) && exit.kind == VCPU_EXIT_MMIO && !exit.mmio.is_write)
			return (uint32_t)exit.mmio.data;
	cr_assert_fail("the guest has read nothing");
	return 0;
}
