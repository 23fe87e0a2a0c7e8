/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "ctl/doctor.h"
#include "support.h"

#define YES "\nguests can run here: yes\n"

static struct doctor_facts facts;
static struct report report;

static void setup(void)
{
	facts = facts_complete();
}

TestSuite(doctor_report, .init = setup);

static void assert_no(const char *reason)
{
	char line[256];

	report_of(&report, &facts);
	snprintf(line, sizeof(line), "\nguests can run here: no: %s\n", reason);
	assert_has(report.text, line);
	cr_assert_eq(report.status, STATUS_ERROR);
}

Test(doctor_report, complete_host_lacks_nothing)
{
	report_of(&report, &facts);
	assert_lacks(report.text, "  missing");
	assert_lacks(report.text, "  limited");
	assert_lacks(report.text, "costs:");
	assert_has(report.text, YES);
	cr_assert_eq(report.status, 0);
}

Test(doctor_report, names_the_machine)
{
	report_of(&report, &facts);
	assert_has(report.text, "  ok       architecture            arm64 (aarch64)\n");
	assert_has(report.text, "  ok       CPU                     Neoverse V1\n");
	assert_has(report.text, "  ok       kernel                  Linux 6.16.1\n");
	assert_has(report.text, "  ok       page size               64 KiB\n");
}

Test(doctor_report, unknown_cpu_in_numbers)
{
	facts.host.cpu_implementer = 0x4e;
	facts.host.cpu_part = 0x4;
	report_of(&report, &facts);
	assert_has(report.text, "implementer 0x4e, part 0x004\n");
}

Test(doctor_report, cpu_that_is_not_told_has_no_line)
{
	facts.host.cpu_part = HOST_UNKNOWN;
	report_of(&report, &facts);
	assert_lacks(report.text, "CPU  ");
}

Test(doctor_report, other_architecture)
{
	facts.host = (struct doctor_host){ .machine = "x86_64", .release = "6.1" };
	facts.probe_error = -ENOENT;
	assert_no("this is not an arm64 host");
	assert_has(report.text, "missing  architecture            x86_64: not an arm64 host\n");
	assert_lacks(report.text, "/dev/kvm");
}

Test(doctor_report, no_device)
{
	static const int errors[] = { -ENOENT, -ENODEV, -ENXIO };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		facts.probe_error = errors[i];
		assert_no("/dev/kvm cannot be used");
		assert_has(report.text, "missing  /dev/kvm                not on this host\n");
		assert_has(report.text, ".metal instance");
		assert_has(report.text, "modprobe kvm");
	}
}

Test(doctor_report, no_permission)
{
	static const int errors[] = { -EACCES, -EPERM };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		facts.probe_error = errors[i];
		assert_no("/dev/kvm cannot be used");
		assert_has(report.text, "/dev/kvm                no permission to open it\n");
		assert_has(report.text, "sudo usermod -aG kvm $USER");
	}
}

Test(doctor_report, other_probe_errors_are_told)
{
	facts.probe_error = -EMFILE;
	assert_no("/dev/kvm cannot be used");
	assert_has(report.text, "/dev/kvm                Too many open files\n");
}

Test(doctor_report, failed_probe_hides_capabilities)
{
	facts.probe_error = -ENOENT;
	report_of(&report, &facts);
	assert_lacks(report.text, "GICv3");
	assert_has(report.text, "io_uring");
}

Test(doctor_report, other_api_version_is_an_obstacle)
{
	facts.caps.api_version = 11;
	assert_no("KVM has another API version");
	assert_has(report.text, "missing  KVM API                 version 11, not 12\n");
}

Test(doctor_report, what_guests_cannot_do_without)
{
	facts.caps.gic_v2 = facts.caps.gic_v3 = false;
	assert_no("KVM offers neither GICv3 nor GICv2");
	facts = facts_complete();
	facts.caps.psci_0_2 = false;
	assert_no("KVM offers no PSCI 0.2");
	facts = facts_complete();
	facts.caps.irqfd = false;
	assert_no("KVM offers no irqfd");
	facts = facts_complete();
	facts.caps.immediate_exit = false;
	assert_no("KVM offers no immediate exit");
}

Test(doctor_report, what_is_missing_but_optional_hides_no_obstacle)
{
	facts.caps.gic_v2 = false;
	facts.caps.immediate_exit = false;
	assert_no("KVM offers no immediate exit");
}

static const struct {
	size_t offset;
	const char *item, *cost, *remedy;
} optional[] = {
	{ offsetof(struct backend_caps, gic_v3), "GICv3", "at most 8 vCPUs", "Neoverse" },
	{ offsetof(struct backend_caps, gic_v2), "GICv2", "nothing", NULL },
	{ offsetof(struct backend_caps, its), "GIC ITS", "message signalled", "Linux 4.8" },
	{ offsetof(struct backend_caps, smccc_filter), "SMCCC filter",
	  "KVM serves PSCI by itself, and disks go by MMIO", "Linux 6.4" },
	{ offsetof(struct backend_caps, nisv_to_user), "abort without syndrome", "LDP, STP",
	  "Linux 5.5" },
	{ offsetof(struct backend_caps, ioeventfd), "ioeventfd", "each doorbell",
	  "CONFIG_HAVE_KVM_IRQCHIP" },
	{ offsetof(struct backend_caps, sve), "SVE", "no scalable vectors", "Neoverse V1" },
	{ offsetof(struct backend_caps, pmu_v3), "PMU", "perf in guests", "CONFIG_ARM_PMUV3" },
	{ offsetof(struct backend_caps, pauth), "pointer auth", "sign pointers", "Armv8.3" },
	{ offsetof(struct backend_caps, mte), "MTE", "no memory tagging", "MTE2" },
	{ offsetof(struct backend_caps, steal_time), "steal time", "busy host", "Linux 5.10" },
	{ offsetof(struct backend_caps, counter_offset), "counter offset", "moved as one",
	  "Linux 6.4" },
	{ offsetof(struct backend_caps, nested), "nested", "cannot run guests", "FEAT_NV2" },
	{ offsetof(struct backend_caps, debug_hw), "debug hardware", "no hardware breakpoints",
	  "Linux 4.2" },
	{ offsetof(struct backend_caps, binary_stats), "binary stats", "debugfs", "Linux 5.14" },
};

Test(doctor_report, each_missing_capability_has_cost_and_remedy)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		char line[128];
		const char *at;

		facts = facts_complete();
		*(bool *)((char *)&facts.caps + optional[i].offset) = false;
		report_of(&report, &facts);
		snprintf(line, sizeof(line), "  missing  %-23s not offered\n", optional[i].item);
		assert_has(report.text, line);
		at = strstr(report.text, line) + strlen(line);
		assert_has(at, "           costs:  ");
		assert_has(at, optional[i].cost);
		assert_lacks(strstr(at, "\n  ok"), "missing");
		if (optional[i].remedy)
			assert_has(at, optional[i].remedy);
		else
			assert_lacks(at, "remedy:");
		assert_has(report.text, YES);
	}
}

Test(doctor_report, numbers_of_the_hypervisor)
{
	report_of(&report, &facts);
	assert_has(report.text, "IPA size                48 bits\n");
	assert_has(report.text, "vCPUs                   at most 512 a guest, 64 recommended\n");
	assert_has(report.text, "memory slots            32764\n");
	assert_has(report.text, "debug hardware          6 breakpoints, 4 watchpoints\n");
}

Test(doctor_report, small_numbers_of_the_hypervisor_are_limits)
{
	facts.caps.ipa_bits = 36;
	facts.caps.max_vcpus = 8;
	facts.caps.nr_memslots = 4;
	report_of(&report, &facts);
	assert_has(report.text, "limited  IPA size                36 bits\n");
	assert_has(report.text, "limited  vCPUs                   at most 8 a guest");
	assert_has(report.text, "--cpus is limited to that number");
	assert_has(report.text, "limited  memory slots            4\n");
	assert_has(report.text, YES);
}

static unsigned int probes;

static int probe_denied(struct backend_caps *caps)
{
	(void)caps;
	probes++;
	return -EACCES;
}

Test(doctor_report, doctor_asks_the_backend_and_this_host)
{
	const struct backend_ops ops = { .probe = probe_denied };
	FILE *out = fmemopen(report.text, sizeof(report.text), "w");
	int status = doctor(&ops, out);

	fclose(out);
	cr_assert_eq(probes, 1);
	cr_assert_eq(status, STATUS_ERROR);
	assert_has(report.text, "  ok       kernel                  Linux ");
	assert_has(report.text, "guests can run here: no: ");
}
