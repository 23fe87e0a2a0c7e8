/* SPDX-License-Identifier: Apache-2.0 */
/* A whole machine on the simulated host: its ends, its resets, and every host failure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/hvc_blk.h"
#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "vm/vm.h"

static const struct backend_caps good_host = {
	.api_version = 12,
	.ipa_bits = 40,
	.max_vcpus = 512,
	.recommended_vcpus = 8,
	.nr_memslots = 32,
	.gic_v3 = true,
	.smccc_filter = true,
	.irqfd = true,
	.ioeventfd = true,
	.immediate_exit = true,
	.psci_0_2 = true,
};

static char kernel_path[64], dtb_path[80];

/* A file with the header of an arm64 Image (booting.rst) and nothing in it that could run. */
static void write_kernel(void)
{
	uint8_t image[4096] = { 0 };
	uint64_t image_size = 0x100000, flags = 0xa;
	int fd;

	memcpy(image + 16, &image_size, 8);
	memcpy(image + 24, &flags, 8);
	memcpy(image + 56, "ARM\x64", 4);
	snprintf(kernel_path, sizeof(kernel_path), "/tmp/vm_test_kernel.XXXXXX");
	fd = mkstemp(kernel_path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, image, sizeof(image)), (ssize_t)sizeof(image));
	close(fd);
	snprintf(dtb_path, sizeof(dtb_path), "%s.dtb", kernel_path);
}

static void setup(void)
{
	sim_init();
	sim_set_caps(&good_host);
	write_kernel();
}

static void teardown(void)
{
	unlink(kernel_path);
	unlink(dtb_path);
	cr_expect_not(sim_machine_lives());
}

TestSuite(vm, .init = setup, .fini = teardown);

static struct vm_config base_config(void)
{
	return (struct vm_config){
		.kernel = kernel_path,
		.cpus = 2,
		.memory = 64 << 20,
		.stop_timeout = VM_MAX_STOP,
		.console = { .kind = CONSOLE_NONE },
	};
}

static int run(const struct vm_config *config, enum machine_end *end)
{
	struct vm *vm;
	int ret = vm_create(&backend_sim, config, &vm);

	cr_assert_eq(ret, 0, "vm_create: %d", ret);
	ret = vm_run(vm, end);
	vm_destroy(vm);
	return ret;
}

static void play_psci(unsigned int fn)
{
	sim_play_call(0, false, PSCI_FN32 + fn, 0, NULL);
}

Test(vm, system_off_ends_it)
{
	struct vm_config config = base_config();
	enum machine_end end;

	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_OFF);
}

/* Its vCPU finds the disk by a call, in the first boot and in the next. */
Test(vm, disks_by_hypercall_are_there_after_each_reset)
{
	struct vm_config config = base_config();
	const uint64_t disk0[] = { 0 };
	struct vcpu_exit reply = { 0 };
	char path[] = "/tmp/vm_test_disk.XXXXXX";
	enum machine_end end;
	int fd = mkstemp(path);

	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	config.nr_disks = 1;
	config.disks[0] = (struct disk_config){ .path = path, .id = "d", .via = DISK_VIA_HVC };
	sim_play_call(0, false, HVC_BLK_PROBE, 0, NULL);
	play_psci(PSCI_FN_SYSTEM_RESET);
	sim_play_call(0, false, HVC_BLK_CAPACITY, 1, disk0);
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_OFF);
	cr_expect(sim_reply(0, 0, &reply));
	cr_expect_eq(reply.smccc.ret[0], 1);
	cr_expect(sim_reply(0, 1, &reply));
	cr_expect_eq(reply.smccc.ret[0], 2048);
	close(fd);
	unlink(path);
}

Test(vm, a_reset_builds_everything_anew)
{
	struct vm_config config = base_config();
	enum machine_end end;

	play_psci(PSCI_FN_SYSTEM_RESET);
	play_psci(PSCI_FN_SYSTEM_RESET);
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_OFF);
	cr_expect_eq(sim_calls(SIM_VM_CREATE), 3);
	cr_expect_eq(sim_calls(SIM_VM_DESTROY), 3);
	cr_expect_eq(sim_calls(SIM_GIC_CREATE), 3);
}

Test(vm, a_reset_ends_it_where_that_is_asked_for)
{
	struct vm_config config = base_config();
	enum machine_end end;

	config.exit_on_reset = true;
	play_psci(PSCI_FN_SYSTEM_RESET);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_RESET);
	cr_expect_eq(sim_calls(SIM_VM_CREATE), 1);
}

Test(vm, a_fatal_exit_is_a_crash)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_FAILED_ENTRY };
	struct vm_config config = base_config();
	enum machine_end end;

	sim_play(0, &exit);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_CRASH);
}

/* What the vCPU starts with is what the boot protocol wants. */
Test(vm, boot_cpu_finds_kernel_and_device_tree)
{
	struct vm_config config = base_config();
	struct vcpu_boot boot;
	enum machine_end end;

	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_assert(sim_boot(0, &boot));
	cr_expect_eq(boot.pc, LAYOUT_RAM_BASE);
	cr_expect_eq(boot.x0 % 8, 0);
	cr_expect_gt(boot.x0, boot.pc);
}

Test(vm, host_without_filter_keeps_its_own_psci)
{
	struct backend_caps caps = good_host;
	struct vcpu_exit off = { .kind = VCPU_EXIT_SYSTEM_EVENT };
	struct vm_config config = base_config();
	struct vcpu_boot boot;
	enum machine_end end;

	caps.smccc_filter = false;
	sim_set_caps(&caps);
	off.system.event = VCPU_SYSTEM_OFF;
	sim_play(0, &off);
	cr_expect_eq(run(&config, &end), 0);
	cr_expect_eq(end, MACHINE_OFF);
	cr_expect_not(sim_forwarded(PSCI_FN32));
	if (sim_boot(1, &boot))
		cr_expect(boot.powered_off);
}

Test(vm, interrupt_controller_covers_every_vcpu)
{
	struct backend_gic_config gic;
	struct vm_config config = base_config();
	enum machine_end end;

	config.cpus = 130;
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_assert(sim_gic(&gic));
	cr_expect_eq(gic.nr_redist_regions, 2);
	cr_expect_eq(gic.redist[0].count + gic.redist[1].count, 130);
	cr_expect_eq(gic.redist[0].base + gic.redist[0].count * LAYOUT_GICR_EACH,
		     LAYOUT_GICR_BASE + LAYOUT_GICR_SIZE);
}

Test(vm, dtb_dump_is_the_guests_tree)
{
	struct vm_config config = base_config();
	enum machine_end end;
	char dtb[65536];
	int fd, node;

	config.dtb_dump = dtb_path;
	config.cmdline = "hello world";
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	fd = open(dtb_path, O_RDONLY);
	cr_assert_gt(read(fd, dtb, sizeof(dtb)), 0);
	close(fd);
	cr_assert_eq(fdt_check_header(dtb), 0);
	node = fdt_path_offset(dtb, "/chosen");
	cr_expect_str_eq(fdt_getprop(dtb, node, "bootargs", NULL), "hello world");
}

Test(vm, a_dtb_dump_that_fails_ends_it)
{
	struct vm_config config = base_config();
	enum machine_end end;

	config.dtb_dump = "/nowhere/at/all.dtb";
	cr_expect_eq(run(&config, &end), -ENOENT);
}

/* Each operation of the host fails in its turn: an error comes back, and nothing is left. */
Test(vm, every_host_failure_is_an_error)
{
	static const enum sim_op ops[] = {
		SIM_VM_CREATE, SIM_MEM_MAP, SIM_GIC_CREATE, SIM_SMCCC_FORWARD, SIM_VCPU_CREATE,
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct vm_config config = base_config();
		enum machine_end end = MACHINE_RUNNING;

		sim_init();
		sim_set_caps(&good_host);
		sim_fail(ops[i], 1, EIO);
		cr_expect_eq(run(&config, &end), -EIO, "operation %d", ops[i]);
		cr_expect_not(sim_machine_lives());
	}
}

static void refused(const struct backend_caps *caps, const struct vm_config *config)
{
	struct vm *vm = NULL;

	sim_set_caps(caps);
	cr_expect_lt(vm_create(&backend_sim, config, &vm), 0);
	cr_expect_eq(sim_calls(SIM_VM_CREATE), 0, "nothing was created");
	cr_expect_null(vm);
}

Test(vm, refuses_a_disk_that_is_not_there)
{
	struct vm_config config = base_config();

	config.nr_disks = 2;
	config.disks[0] = (struct disk_config){ .path = kernel_path, .id = "disk0" };
	config.disks[1] = (struct disk_config){ .path = "/tmp/vm_test_nowhere", .id = "disk1" };
	refused(&good_host, &config);
	/* The first is closed again. */
	config.disks[1] = (struct disk_config){ .path = kernel_path, .id = "disk1" };
	refused(&good_host, &config);
}

Test(vm, refuses_what_the_host_cannot_have)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;

	caps.max_vcpus = 1;
	refused(&caps, &config);

	caps = good_host;
	caps.ipa_bits = 36;
	config.memory = 1ull << 36;
	refused(&caps, &config);

	config = base_config();
	config.kernel = "/nowhere/Image";
	refused(&good_host, &config);
}

Test(vm, says_what_is_wrong_with_dev_kvm)
{
	static const int errors[] = { ENOENT, EACCES, EPROTO };
	struct vm_config config = base_config();

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		sim_fail(SIM_PROBE, 1, errors[i]);
		refused(&good_host, &config);
	}
}

/* What the host has is on, after a reset too; steal time has memory that is no RAM. */
Test(vm, features_of_the_host_are_on)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	struct backend_vm_config made;
	struct sim_memory memory;
	enum machine_end end;

	caps.sve = caps.pmu_v3 = caps.pauth = caps.mte = caps.steal_time = true;
	sim_set_caps(&caps);
	play_psci(PSCI_FN_SYSTEM_RESET);
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	sim_vm_config(&made);
	cr_expect_eq(made.features, VCPU_FEATURES);
	cr_expect_eq(made.steal_base, LAYOUT_STEAL_BASE);
	cr_expect_eq(made.pmu_intid, 23);
	cr_assert(sim_memory(1, &memory));
	cr_expect_eq(memory.gpa, LAYOUT_STEAL_BASE);
	cr_expect_eq(memory.size, LAYOUT_STEAL_SIZE);
}

Test(vm, features_can_be_off)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	struct backend_vm_config made;
	enum machine_end end;

	caps.sve = caps.pmu_v3 = caps.pauth = caps.mte = caps.steal_time = true;
	sim_set_caps(&caps);
	config.cpu_features.off = VCPU_FEATURE_STEAL_TIME | VCPU_FEATURE_SVE;
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	sim_vm_config(&made);
	cr_expect_eq(made.features, VCPU_FEATURE_PMU | VCPU_FEATURE_PAUTH | VCPU_FEATURE_MTE);
	cr_expect_eq(sim_nr_memory(), 1, "no memory for steal time");
}

Test(vm, refuses_a_feature_that_the_host_has_not)
{
	struct vm_config config = base_config();

	config.cpu_features.on = VCPU_FEATURE_SVE;
	refused(&good_host, &config);
}

Test(vm, steal_time_that_cannot_be_mapped_is_an_error)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	enum machine_end end = MACHINE_RUNNING;

	caps.steal_time = true;
	sim_set_caps(&caps);
	sim_fail(SIM_MEM_MAP, 2, EIO);
	cr_expect_eq(run(&config, &end), -EIO);
}

/* All the memory that addresses allow, to the byte. */
Test(vm, takes_memory_up_to_the_address_limit)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	enum machine_end end;

	caps.ipa_bits = 36;
	sim_set_caps(&caps);
	config.memory = (1ull << 36) - LAYOUT_RAM_BASE;
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
}

/* A host with GICv2 alone gets a machine with one, built and described alike. */
Test(vm, a_gicv2_host_runs_guests)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	struct backend_gic_config gic;
	enum machine_end end;

	caps.gic_v3 = false;
	caps.gic_v2 = true;
	sim_set_caps(&caps);
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_assert(sim_gic(&gic));
	cr_expect(gic.v2);
	cr_expect_eq(gic.cpu_base, LAYOUT_GICC_BASE);
}

Test(vm, refuses_more_vcpus_than_a_gicv2_serves)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;

	caps.gic_v3 = false;
	caps.gic_v2 = true;
	config.cpus = 9;
	refused(&caps, &config);
}

Test(vm, an_its_is_there_unless_it_is_not_wanted)
{
	struct vm_config config = base_config();
	struct backend_caps caps = good_host;
	struct backend_gic_config gic;
	enum machine_end end;

	caps.its = true;
	sim_set_caps(&caps);
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_assert(sim_gic(&gic));
	cr_expect_eq(gic.its_base, LAYOUT_ITS_BASE);

	config.its = VM_ITS_OFF;
	play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(run(&config, &end), 0);
	cr_assert(sim_gic(&gic));
	cr_expect_eq(gic.its_base, 0);
}
