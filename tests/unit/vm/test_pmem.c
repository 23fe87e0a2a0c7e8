/* SPDX-License-Identifier: Apache-2.0 */
/* Pmem devices of a machine: where their windows are, who may write there, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/sim.h"
#include "base/util.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "machine_rig.h"
#include "virtio/ring.h"

#define FIRST  LAYOUT_VIRTIO_BASE
#define SECOND (LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_EACH)
#define RAM    LAYOUT_RAM_BASE

/* RAM is 64 MiB: the first multiple of 1 GiB behind it, and the next. */
#define WINDOW (2 * GIB)
#define OTHER  (3 * GIB)

static char read_path[64], write_path[64], disk_path[64], dtb_path[64];

static void make_file(char name[64], const char *kind, off_t size)
{
	int fd;

	snprintf(name, 64, "/tmp/pmem_%s.%d", kind, (int)getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, size), 0);
	cr_assert_eq(pwrite(fd, kind, strlen(kind), 0), (ssize_t)strlen(kind));
	close(fd);
}

static void init(void)
{
	machine_rig_init();
	make_file(read_path, "read", 3 * MIB);
	make_file(write_path, "write", 2 * MIB);
	make_file(disk_path, "disk", MIB);
	snprintf(dtb_path, sizeof(dtb_path), "/tmp/pmem_dtb.%d", (int)getpid());
	machine_rig_config.nr_pmems = 2;
	machine_rig_config.pmems[0] = (struct pmem_config){ .path = read_path, .id = "pmem0" };
	machine_rig_config.pmems[1] =
		(struct pmem_config){ .path = write_path, .id = "pmem1", .writable = true };
}

static void fini(void)
{
	unlink(read_path);
	unlink(write_path);
	unlink(disk_path);
	unlink(dtb_path);
	machine_rig_fini();
}

TestSuite(pmems, .init = init, .fini = fini);

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

static struct sim_memory memory_at(gpa_t gpa)
{
	struct sim_memory memory = { .size = 0 };

	for (unsigned int i = 0; sim_memory(i, &memory); i++)
		if (memory.gpa == gpa)
			return memory;
	cr_assert_fail("nothing is mapped at 0x%llx", (unsigned long long)gpa);
	return memory;
}

Test(pmems, windows_behind_ram_through_a_reset)
{
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_start();
	sim_wait_calls(SIM_VM_CREATE, 2);
	sim_wait_idle(0);
	cr_expect_eq(read_register(FIRST + 8), 27);
	cr_expect_eq(read_register(FIRST + 0x100), WINDOW);
	cr_expect_eq(read_register(FIRST + 0x108), 4 * MIB);
	cr_expect_eq(read_register(SECOND + 0x100), OTHER);
	cr_expect_eq(read_register(SECOND + 0x108), 2 * MIB);
	cr_expect_geq(sim_ioeventfd(FIRST + 0x50, 4), 0);
	cr_expect_neq(sim_ioeventfd(FIRST + 0x50, 4), sim_ioeventfd(SECOND + 0x50, 4));
	cr_expect_eq(memory_at(WINDOW).size, 4 * MIB);
	cr_expect(memory_at(WINDOW).read_only);
	cr_expect_arr_eq(memory_at(WINDOW).host, "read", 4);
	cr_expect_eq(memory_at(OTHER).size, 2 * MIB);
	cr_expect_not(memory_at(OTHER).read_only);
	cr_expect_arr_eq(memory_at(OTHER).host, "write", 5);
	end();
}

/* The device tree has their registers, and their windows are no memory of its. */
Test(pmems, windows_are_no_ram_to_the_device_tree)
{
	static char dtb[65536];
	const fdt32_t *reg;
	int fd, len, node;

	machine_rig_config.dtb_dump = dtb_path;
	machine_rig_start();
	sim_wait_idle(0);
	end();
	fd = open(dtb_path, O_RDONLY | O_CLOEXEC);
	cr_assert_gt(read(fd, dtb, sizeof(dtb)), 0);
	close(fd);
	cr_assert_eq(fdt_check_header(dtb), 0);
	cr_expect_geq(fdt_path_offset(dtb, "/virtio_mmio@a000200"), 0);
	cr_expect_lt(fdt_path_offset(dtb, "/virtio_mmio@a000400"), 0);
	node = fdt_path_offset(dtb, "/memory@40000000");
	cr_assert_geq(node, 0);
	reg = fdt_getprop(dtb, node, "reg", &len);
	cr_assert_eq(len, 16);
	cr_expect_eq(fdt32_to_cpu(reg[1]), RAM);
	cr_expect_eq(fdt32_to_cpu(reg[3]), 64 * MIB);
	cr_expect_lt(fdt_path_offset(dtb, "/memory@80000000"), 0);
}

Test(pmems, stores_to_what_can_only_be_read_go_nowhere)
{
	machine_rig_start();
	machine_rig_play_write(WINDOW, UINT32_MAX);
	machine_rig_play_write(WINDOW + 4 * MIB - 4, UINT32_MAX);
	sim_wait_idle(0);
	cr_expect_arr_eq(memory_at(WINDOW).host, "read", 4);
	end();
}

/* ---- windows are no place for a queue or a buffer ----------------------------------------- */

static void put(gpa_t window, unsigned int reg, uint32_t val)
{
	machine_rig_play_write(window + reg, val);
}

/* Queue 0 of the device at @window, of 8 entries, its three areas at @areas. */
static void bring_up(gpa_t window, const gpa_t areas[3])
{
	put(window, 0x70, 0);
	put(window, 0x70, 3);
	put(window, 0x24, 1);
	put(window, 0x20, 1); /* VERSION_1 */
	put(window, 0x70, 0xb);
	put(window, 0x30, 0);
	put(window, 0x38, 8);
	for (unsigned int i = 0; i < 3; i++)
		put(window, 0x80 + 0x10 * i, (uint32_t)areas[i]);
	put(window, 0x44, 1);
	put(window, 0x70, 0xf);
}

static void add_disk(void)
{
	machine_rig_config.nr_disks = 1;
	machine_rig_config.disks[0] = (struct disk_config){
		.path = disk_path, .id = "disk0", .queues = 1, .engine = BLK_ENGINE_SYNC
	};
}

/* A read of the disk's first sector to @to, by its driver's rules but for that. */
static void read_disk(gpa_t to)
{
	const gpa_t areas[] = { RAM + MIB, RAM + MIB + 0x1000, RAM + MIB + 0x2000 };
	uint8_t *ram = memory_at(RAM).host;
	struct virtq_desc *desc = (void *)(ram + MIB);
	struct virtq_avail *avail = (void *)(ram + MIB + 0x1000);

	memset(ram + MIB, 0, 0x4000); /* the request's header too: a read of sector 0 */
	desc[0] = (struct virtq_desc){ RAM + MIB + 0x3000, 16, VIRTQ_DESC_F_NEXT, 1 };
	desc[1] = (struct virtq_desc){ to, 512, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 2 };
	desc[2] = (struct virtq_desc){ RAM + MIB + 0x3010, 1, VIRTQ_DESC_F_WRITE, 0 };
	avail->idx = 1;
	bring_up(FIRST, areas);
	put(FIRST, 0x50, 0);
	sim_wait_idle(0);
}

Test(pmems, a_disk_cannot_be_read_into_a_window)
{
	add_disk();
	machine_rig_start();
	sim_wait_idle(0);
	cr_assert_eq(read_register(FIRST + 8), 2);
	read_disk(WINDOW);
	cr_expect_eq(read_register(FIRST + 0x70), 0x4f, "DEVICE_NEEDS_RESET");
	read_disk(OTHER);
	cr_expect_eq(read_register(FIRST + 0x70), 0x4f);
	read_disk(RAM + 2 * MIB);
	cr_expect_eq(read_register(FIRST + 0x70), 0xf, "and to RAM it can");
	cr_expect_arr_eq(memory_at(WINDOW).host, "read", 4);
	cr_expect_arr_eq(memory_at(OTHER).host, "write", 5);
	end();
}

Test(pmems, no_area_of_a_queue_is_in_a_window)
{
	machine_rig_start();
	for (unsigned int i = 0; i < 3; i++) {
		gpa_t areas[] = { RAM, RAM + 0x1000, RAM + 0x2000 };

		areas[i] = OTHER;
		bring_up(FIRST, areas);
		cr_expect_eq(read_register(FIRST + 0x44), 0, "QueueReady, area %u", i);
	}
	bring_up(FIRST, (const gpa_t[]){ RAM, RAM + 0x1000, RAM + 0x2000 });
	cr_expect_eq(read_register(FIRST + 0x44), 1);
	end();
}

/* ---- refused -------------------------------------------------------------------------------- */

static struct backend_caps caps(void)
{
	return (struct backend_caps){
		.api_version = 12,
		.ipa_bits = 40,
		.max_vcpus = 8,
		.gic_v3 = true,
		.smccc_filter = true,
		.irqfd = true,
		.ioeventfd = true,
		.immediate_exit = true,
		.psci_0_2 = true,
		.readonly_mem = true,
		.counter_hz = 25000000,
	};
}

static void expect_refused(const struct backend_caps *host, int error)
{
	struct vm *vm;

	sim_set_caps(host);
	cr_expect_eq(vm_create(&backend_sim, &machine_rig_config, &vm), error);
}

Test(pmems, refused_where_the_host_cannot)
{
	struct backend_caps host = caps();

	host.readonly_mem = false;
	expect_refused(&host, -EINVAL);
	host = caps();
	host.mte = true;
	expect_refused(&host, -EINVAL);
	host = caps();
	host.ipa_bits = 31; /* RAM would end below that, and the windows begin at its end */
	expect_refused(&host, -EINVAL);
	machine_rig_config.pmems[0].path = "/nowhere";
	host = caps();
	expect_refused(&host, -ENOENT);
}

Test(pmems, what_is_written_needs_no_memory_that_is_read)
{
	struct backend_caps host = caps();

	host.readonly_mem = false;
	sim_set_caps(&host);
	machine_rig_config.pmems[0] = machine_rig_config.pmems[1];
	machine_rig_config.nr_pmems = 1;
	machine_rig_start();
	sim_wait_idle(0);
	cr_expect_eq(read_register(FIRST + 0x100), WINDOW);
	end();
}

Test(pmems, the_address_space_reaches_to_the_last_window)
{
	struct backend_vm_config config;

	machine_rig_config.memory = 3 * GIB;
	machine_rig_start();
	sim_wait_idle(0);
	sim_vm_config(&config);
	cr_expect_eq(config.ipa_bits, 33);
	cr_expect_eq(memory_at(5 * GIB).size, 2 * MIB);
	end();
}
