/* SPDX-License-Identifier: Apache-2.0 */
/* What the hypervisor offers, and what guests lose where it does not. */
#include "base/util.h"
#include "ctl/doctor_report.h"
#include "vm/config.h"

#define KVM_API_STABLE 12  /* the one version since Linux 2.6.22 (KVM api.rst 4.1) */
#define IPA_BITS_USUAL 40u /* what KVM gives where a VM asks for nothing (KVM api.rst 4.2) */

/* Each of these is there or not. */
struct cap_desc {
	const char *item;
	size_t offset; /* of a bool in struct backend_caps */
	const char *with;
	const char *cost;     /* where it is missing */
	const char *remedy;   /* NULL: nothing helps, or nothing is needed */
	const char *obstacle; /* where it is missing, why no guest can run; NULL: guests can */
};

#define CAP(member) offsetof(struct backend_caps, member)

static const struct cap_desc cap_descs[] = {
	{ "GICv3", CAP(gic_v3), "emulated with hardware support",
	  "guests get a GICv2, at most 8 vCPUs and no message signalled interrupts",
	  "use a host whose CPUs have GICv3 or later, as all Neoverse servers have", NULL },
	{ "GICv2", CAP(gic_v2), "emulated with hardware support",
	  "nothing, where the host has GICv3: no --gic 2", NULL, NULL },
	{ "GIC ITS", CAP(its), "message signalled interrupts",
	  "guests have no message signalled interrupts", "Linux 4.8 or newer on a GICv3 host",
	  NULL },
	{ "SMCCC filter", CAP(smccc_filter), "HVC and SMC calls come to arcvisor",
	  "KVM serves PSCI by itself, and disks go by MMIO, not by hypercall", "Linux 6.4 or newer",
	  NULL },
	{ "PSCI of KVM", CAP(psci_0_2), "0.2 or later", "no guest can run: arcvisor builds on it",
	  "Linux 3.16 or newer", "KVM offers no PSCI 0.2" },
	{ "abort without syndrome", CAP(nisv_to_user), "loads and stores of any form reach devices",
	  "a guest that uses LDP, STP or writeback on a device stops with an error",
	  "Linux 5.5 or newer", NULL },
	{ "irqfd", CAP(irqfd), "interrupts by eventfd", "no guest can run: devices interrupt by it",
	  "a kernel with CONFIG_HAVE_KVM_IRQCHIP, as distributions build it",
	  "KVM offers no irqfd" },
	{ "ioeventfd", CAP(ioeventfd), "doorbells by eventfd",
	  "each doorbell of a guest returns to user space",
	  "a kernel with CONFIG_HAVE_KVM_IRQCHIP, as distributions build it", NULL },
	{ "immediate exit", CAP(immediate_exit), "vCPUs stop without a race",
	  "no guest can run: a vCPU could miss the request to stop", "Linux 4.11 or newer",
	  "KVM offers no immediate exit" },
	{ "SVE", CAP(sve), "scalable vectors", "guests have no scalable vectors",
	  "a CPU with SVE (Neoverse V1, N2, V2) and Linux 5.2 or newer", NULL },
	{ "PMU", CAP(pmu_v3), "performance counters", "perf in guests has no hardware counters",
	  "a kernel with CONFIG_ARM_PMUV3 and firmware that describes the PMU", NULL },
	{ "pointer auth", CAP(pauth), "return addresses can be signed",
	  "guests cannot sign pointers",
	  "an Armv8.3 CPU (Neoverse V1, N2, V2, Ampere-1) and Linux 5.2 or newer", NULL },
	{ "MTE", CAP(mte), "memory tagging", "guests have no memory tagging",
	  "a CPU with MTE2 (Neoverse N2, V2), firmware that enables it, Linux 6.2 or newer", NULL },
	{ "steal time", CAP(steal_time), "guests can see time they did not get",
	  "load in guests of a busy host looks like their own", "Linux 5.10 or newer", NULL },
	{ "counter offset", CAP(counter_offset), "a guest's time can be carried over",
	  "a guest's counters cannot be moved as one", "Linux 6.4 or newer", NULL },
	{ "nested", CAP(nested), "guests may run guests", "guests cannot run guests",
	  "a CPU with FEAT_NV2, Linux 6.16 or newer, started with kvm-arm.mode=nested", NULL },
	{ "binary stats", CAP(binary_stats), "KVM's counters can be read",
	  "KVM's counters only in debugfs, as root", "Linux 5.14 or newer", NULL },
};

static bool has_cap(const struct cap_desc *desc, const struct backend_caps *caps)
{
	return *(const bool *)((const char *)caps + desc->offset);
}

static void report_cap(const struct cap_desc *desc, const struct backend_caps *caps, FILE *out)
{
	if (has_cap(desc, caps)) {
		doctor_line(out, DOCTOR_OK, desc->item, "%s", desc->with);
		return;
	}
	doctor_line(out, DOCTOR_MISSING, desc->item, "not offered");
	doctor_advice(out, desc->cost, desc->remedy);
}

static void report_api(const struct backend_caps *caps, FILE *out)
{
	if (caps->api_version == KVM_API_STABLE) {
		doctor_line(out, DOCTOR_OK, "KVM API", "version %d", caps->api_version);
		return;
	}
	doctor_line(out, DOCTOR_MISSING, "KVM API", "version %d, not %d", caps->api_version,
		    KVM_API_STABLE);
	doctor_advice(out, "no guest can run", "use the KVM of a mainline Linux kernel");
}

static void report_ipa(const struct backend_caps *caps, FILE *out)
{
	if (caps->ipa_bits >= IPA_BITS_USUAL) {
		doctor_line(out, DOCTOR_OK, "IPA size", "%u bits", caps->ipa_bits);
		return;
	}
	doctor_line(out, DOCTOR_LIMITED, "IPA size", "%u bits", caps->ipa_bits);
	doctor_advice(out, "guests have less memory than a server's CPU could address",
		      "a CPU with more physical address bits");
}

static void report_vcpus(const struct backend_caps *caps, FILE *out)
{
	bool enough = caps->max_vcpus >= VM_MAX_CPUS;

	doctor_line(out, enough ? DOCTOR_OK : DOCTOR_LIMITED, "vCPUs",
		    "at most %u a guest, %u recommended", caps->max_vcpus, caps->recommended_vcpus);
	if (!enough)
		doctor_advice(out, "--cpus is limited to that number",
			      "a newer kernel, where the host has GICv3");
}

static void report_memslots(const struct backend_caps *caps, FILE *out)
{
	bool enough = caps->nr_memslots >= GMEM_MAX_REGIONS;

	doctor_line(out, enough ? DOCTOR_OK : DOCTOR_LIMITED, "memory slots", "%u",
		    caps->nr_memslots);
	if (!enough)
		doctor_advice(out, "guest memory cannot come in all the regions it may need",
			      "use the KVM of a mainline Linux kernel");
}

static void report_debug(const struct backend_caps *caps, FILE *out)
{
	if (caps->debug_hw) {
		doctor_line(out, DOCTOR_OK, "debug hardware", "%u breakpoints, %u watchpoints",
			    caps->debug_breakpoints, caps->debug_watchpoints);
		return;
	}
	doctor_line(out, DOCTOR_MISSING, "debug hardware", "not offered");
	doctor_advice(out, "a debugger of guests has no hardware breakpoints",
		      "Linux 4.2 or newer");
}

void doctor_report_caps(const struct backend_caps *caps, FILE *out)
{
	report_api(caps, out);
	report_ipa(caps, out);
	report_vcpus(caps, out);
	report_memslots(caps, out);
	for (size_t i = 0; i < ARRAY_SIZE(cap_descs); i++)
		report_cap(&cap_descs[i], caps, out);
	report_debug(caps, out);
}

const char *doctor_caps_obstacle(const struct backend_caps *caps)
{
	if (caps->api_version != KVM_API_STABLE)
		return "KVM has another API version";
	if (!caps->gic_v2 && !caps->gic_v3)
		return "KVM offers neither GICv3 nor GICv2";
	for (size_t i = 0; i < ARRAY_SIZE(cap_descs); i++)
		if (cap_descs[i].obstacle && !has_cap(&cap_descs[i], caps))
			return cap_descs[i].obstacle;
	return NULL;
}
