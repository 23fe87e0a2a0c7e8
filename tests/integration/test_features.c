/* SPDX-License-Identifier: Apache-2.0 */
/* Optional CPU features: what the host has is there and works, what is off is not to be seen. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell.h"

static const struct feature {
	const char *name;
	const char *in_doctor; /* its line, where the host has it */
	const char *in_linux;  /* what a shell prints where the guest has it: see linux_report */
} features[] = {
	{ "pmu", "ok       PMU ", "linux: armv8_pmuv3" },
	{ "sve", "ok       SVE ", "linux: sve" },
	{ "pauth", "ok       pointer auth ", "linux: paca" },
	{ "mte", "ok       MTE ", "linux: mte" },
	{ "steal-time", "ok       steal time ", "linux: stolen time" },
};

#define NR_FEATURES (sizeof(features) / sizeof(features[0]))

static bool host_has[NR_FEATURES];

static void ask_host(void)
{
	struct machine machine;

	machine_run(&machine, MACHINE_ARGS("doctor"));
	for (size_t i = 0; i < NR_FEATURES; i++)
		host_has[i] = strstr(machine.text, features[i].in_doctor);
	machine_fini(&machine);
}

TestSuite(features, .init = ask_host);

/* A host that was made to have all of them: else these tests could pass by skipping. */
Test(features, doctor_sees_all_of_a_full_host)
{
	const char *host = getenv("ARCVISOR_TEST_HOST");

	if (!host || strcmp(host, "full") != 0)
		cr_skip_test("this host may lack some");
	for (size_t i = 0; i < NR_FEATURES; i++)
		cr_expect(host_has[i], "%s", features[i].name);
}

/* Every feature that a guest reports is as the host has it, but for the one that is @off. */
static void expect_features(const char *text, size_t off)
{
	for (size_t i = 0; i < NR_FEATURES; i++) {
		char want[64];

		snprintf(want, sizeof(want), "feature %s=%s", features[i].name,
			 host_has[i] && i != off ? "on" : "off");
		cr_expect(strstr(text, want), "no '%s':\n%s", want, text);
	}
	cr_expect_null(strstr(text, "not ok"), "%s", text);
}

Test(features, are_on_where_the_host_has_them)
{
	struct machine machine;

	cr_expect_eq(
		machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "cpu_features.img")),
		0, "%s", machine.errors);
	expect_features(machine.text, NR_FEATURES);
	machine_fini(&machine);
}

Test(features, each_can_be_off_alone)
{
	for (size_t i = 0; i < NR_FEATURES; i++) {
		struct machine machine;
		char off[32];

		snprintf(off, sizeof(off), "%s=off", features[i].name);
		cr_expect_eq(machine_run(&machine,
					 MACHINE_ARGS("run", "--kernel", GUESTS "cpu_features.img",
						      "--cpu-feature", off)),
			     0, "%s", machine.errors);
		expect_features(machine.text, i);
		machine_fini(&machine);
	}
}

Test(features, asking_for_what_the_host_lacks_is_bad_usage)
{
	for (size_t i = 0; i < NR_FEATURES; i++) {
		struct machine machine;
		char on[32];
		int status;

		snprintf(on, sizeof(on), "%s=on", features[i].name);
		status = machine_run(&machine,
				     MACHINE_ARGS("run", "--kernel", GUESTS "cpu_features.img",
						  "--cpu-feature", on));
		cr_expect_eq(status, host_has[i] ? 0 : 2, "%s: status %d", on, status);
		cr_expect_eq(count_text(machine.errors, "\n"), host_has[i] ? 0 : 1, "%s",
			     machine.errors);
		cr_expect(host_has[i] || strstr(machine.errors, on), "%s", machine.errors);
		machine_fini(&machine);
	}
}

/* A guest of tests/guest: all its checks hold, and it skipped nothing if the host has @feature. */
static void run_guest(const char *name, const char *cpus, size_t feature)
{
	struct machine machine;
	char path[128];
	int status;

	snprintf(path, sizeof(path), GUESTS "%s.img", name);
	status = machine_run(
		&machine, MACHINE_ARGS("run", "--kernel", path, "--cpus", cpus, "--memory", "64M"));
	cr_expect_eq(status, 0, "%s: status %d\n%s", name, status, machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s did not end:\n%s", name, machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s:\n%s", name, machine.text);
	cr_expect_eq(!strstr(machine.text, "skip all"), host_has[feature], "%s:\n%s", name,
		     machine.text);
	machine_fini(&machine);
}

Test(features, pmu_counts_and_interrupts)
{
	run_guest("cpu_pmu", "1", 0);
}

Test(features, sve_state_survives_every_way_out_of_the_guest)
{
	run_guest("cpu_sve", "2", 1);
}

Test(features, pauth_signs_and_authenticates)
{
	run_guest("cpu_pauth", "1", 2);
}

Test(features, mte_faults_on_a_wrong_tag)
{
	run_guest("cpu_mte", "1", 3);
}

static void pin_to_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

Test(features, steal_time_grows_where_vcpus_share_a_cpu)
{
	machine_before_exec = pin_to_one_cpu;
	run_guest("cpu_steal", "2", 4);
}

/* A folder of the kind that tells of a CPU's caches, put over the host's own. */
#define FAKE_CACHES "/tmp/caches"

static void write_cache(unsigned int index, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), FAKE_CACHES "/index%u", index);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), FAKE_CACHES "/index%u/%s", index, name);
	file = fopen(path, "w");
	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
}

static void make_caches(void)
{
	static const char *const caches[][6] = {
		{ "1\n", "Data\n", "64K\n", "64\n", "256\n", "0\n" },
		{ "1\n", "Instruction\n", "32K\n", "64\n", "128\n", "0\n" },
		{ "2\n", "Unified\n", "768K\n", "64\n", "1536\n", "0\n" },
		{ "3\n", "Unified\n", "24576K\n", "64\n", "24576\n", "0-63\n" },
	};
	static const char *const names[] = { "level",	       "type",
					     "size",	       "coherency_line_size",
					     "number_of_sets", "shared_cpu_list" };

	mkdir(FAKE_CACHES, 0755);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int n = 0; n < 6; n++)
			write_cache(i, names[n], caches[i][n]);
}

/* For arcvisor alone: in a mount namespace of its own. */
static void hide_own_caches(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(FAKE_CACHES, "/sys/devices/system/cpu/cpu0/cache", NULL, MS_BIND, NULL))
		_exit(126);
}

/* One line for each feature that Linux found. */
static const char linux_report[] =
	"dmesg | grep -o 'armv8_pmuv3' | sed 1q | sed 's/^/linux: /';"
	" for f in sve paca mte; do grep -m1 Features /proc/cpuinfo | grep -o -w $f |"
	" sed 's/^/linux: /'; done; dmesg | grep -o 'stolen time' | sed 's/^/linux: /';"
	" cat /proc/sys/abi/sve_default_vector_length | sed 's/^/vector length: /';"
	" cd /sys/devices/system/cpu/cpu1/cache; for i in index*; do (cd $i; echo"
	" cache: $(cat level type size coherency_line_size number_of_sets shared_cpu_list)); done; "
	"echo "
	"reported\n";

/* What Linux finds in a machine with these arguments, at the end of machine->text. */
static void boot_linux(struct machine *machine, const char *const *args)
{
	machine_start(machine, args);
	shell_ready(machine);
	machine_send(machine, linux_report);
	cr_assert(machine_expect(machine, "\nreported"), "%s", machine->text);
	shell_off(machine);
	cr_expect_str_empty(machine->errors);
}

#define LINUX "run", "--kernel", KERNEL, "--initrd", INITRD, "--cmdline", "console=ttyAMA0 quiet"

/* Boots of Linux are dear: where the host has little, test_debian.c looks for that. */
static void skip_on_a_small_host(void)
{
	if (!host_has[1])
		cr_skip_test("this host has no SVE");
}

Test(features, linux_finds_all_that_the_host_has)
{
	struct machine machine;

	skip_on_a_small_host();
	make_caches();
	machine_before_exec = hide_own_caches;
	boot_linux(&machine, MACHINE_ARGS(LINUX, "--cpus", "2"));
	for (size_t i = 0; i < NR_FEATURES; i++)
		cr_expect_eq(!!strstr(machine.text, features[i].in_linux), host_has[i], "%s:\n%s",
			     features[i].name, machine.text);
	cr_expect(strstr(machine.text, "vector length: 64"), "%s", machine.text);
	cr_expect(strstr(machine.text, "cache: 1 Data 64K 64 256 1"), "%s", machine.text);
	cr_expect(strstr(machine.text, "cache: 1 Instruction 32K 64 128 1"), "%s", machine.text);
	cr_expect(strstr(machine.text, "cache: 2 Unified 768K 64 1536 1"), "%s", machine.text);
	cr_expect(strstr(machine.text, "cache: 3 Unified 24576K 64 24576 0-1"), "%s", machine.text);
	machine_fini(&machine);
}

Test(features, linux_finds_nothing_that_is_off)
{
	struct machine machine;

	skip_on_a_small_host();
	boot_linux(&machine, MACHINE_ARGS(LINUX, "--cpu-feature", "pmu=off", "--cpu-feature",
					  "sve=off", "--cpu-feature", "pauth=off", "--cpu-feature",
					  "mte=off", "--cpu-feature", "steal-time=off"));
	for (size_t i = 0; i < NR_FEATURES; i++)
		cr_expect_null(strstr(machine.text, features[i].in_linux), "%s:\n%s",
			       features[i].name, machine.text);
	machine_fini(&machine);
}
