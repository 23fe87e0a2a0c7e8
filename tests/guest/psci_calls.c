/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every PSCI function that a guest may count on, its 32-bit and 64-bit identifier, and the errors
 * (Arm DEN0022). Built twice: CONDUIT is hvc or smc. With two CPUs or more CPU_ON and
 * CPU_OFF too.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "gic.h"
#include "map.h"
#include "psci.h"
#include "timer.h"

#define VENDOR_PROBE 0xc2000000u /* include/hvc/vendor.h */

#define HIGH_GARBAGE 0xdeadbeef00000000UL
#define NO_SUCH_CPU  0x00ffffffUL /* Aff2.Aff1.Aff0 = 255.255.255 */

/*
 * True where calls come to arcvisor, which then answers PROBE of its vendor range too. A host
 * without the SMCCC filter (Linux before 6.4) answers PSCI itself: by HVC, and before that
 * version not by SMC.
 */
static bool psci_is_arcvisors(void)
{
	struct smccc_regs regs = { .x = { VENDOR_PROBE } };

	smccc_hvc(&regs);
	return (int64_t)regs.x[0] != PSCI_NOT_SUPPORTED;
}

#define CPU_SUSPEND_FEATURES \
	0x3U /* OS-initiated mode, extended StateID format; all other bits are zero */

static int64_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	struct smccc_regs regs = { .x = { function, x1, x2, x3 } };

	smccc_call(&regs);
	return smccc_result(function, regs.x[0]);
}

#define check_call(want, name, function, ...) \
	check_eq((uint64_t)call(function, __VA_ARGS__), (uint64_t)(want), name)

static void check_version(void)
{
	uint64_t version = (uint64_t)call(PSCI_VERSION, 0, 0, 0);

	note("PSCI %lu.%lu", version >> 16, version & 0xffff);
	check(version >> 16 == 1, "version: major is 1");

	/* SMCCC_VERSION may be called only where PSCI_FEATURES admits it (DEN0028, discovery). */
	if (!check_call(0, "features: SMCCC_VERSION", PSCI_FEATURES, SMCCC_VERSION, 0, 0))
		return;
	version = (uint64_t)call(SMCCC_VERSION, 0, 0, 0);
	note("SMCCC %lu.%lu", version >> 16, version & 0xffff);
	check(version >= 0x10001 && version < 0x20000, "SMCCC version is 1.1 or later");
}

static void check_features(void)
{
	static const uint32_t supported[] = {
		PSCI_VERSION,		PSCI_CPU_OFF,	    PSCI_CPU_ON,
		PSCI_CPU_ON64,		PSCI_AFFINITY_INFO, PSCI_AFFINITY_INFO64,
		PSCI_SYSTEM_OFF,	PSCI_SYSTEM_RESET,  PSCI_FEATURES,
		PSCI_MIGRATE_INFO_TYPE, PSCI_SYSTEM_RESET2, PSCI_SYSTEM_RESET2_64,
	};
	static const uint32_t absent[] = {
		PSCI_VERSION | SMCCC_64BIT,
		PSCI_CPU_OFF | SMCCC_64BIT,
		PSCI_SYSTEM_OFF | SMCCC_64BIT,
		PSCI_SYSTEM_RESET | SMCCC_64BIT,
		PSCI_FEATURES | SMCCC_64BIT,
		0x8400001fU,
		0xc400001fU,
		0x8400ffffU,
		0,
	};
	int64_t suspend = call(PSCI_FEATURES, PSCI_CPU_SUSPEND, 0, 0);

	for (unsigned int i = 0; i < sizeof(supported) / sizeof(supported[0]); i++)
		check_eq((uint64_t)call(PSCI_FEATURES, supported[i], 0, 0), 0, "features: 0x%x",
			 supported[i]);
	for (unsigned int i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		check_eq((uint64_t)call(PSCI_FEATURES, absent[i], 0, 0),
			 (uint64_t)PSCI_NOT_SUPPORTED, "features: no 0x%x", absent[i]);

	check_eq((uint64_t)suspend & ~(uint64_t)CPU_SUSPEND_FEATURES, 0,
		 "features: CPU_SUSPEND flags");
	check_call(suspend, "features: CPU_SUSPEND64 has the same flags", PSCI_FEATURES,
		   PSCI_CPU_SUSPEND64, 0, 0);
	note("SYSTEM_SUSPEND: %ld", call(PSCI_FEATURES, PSCI_SYSTEM_SUSPEND, 0, 0));
}

static void check_unknown(void)
{
	static const uint32_t unknown[] = {
		PSCI_VERSION | SMCCC_64BIT,
		PSCI_CPU_OFF | SMCCC_64BIT,
		PSCI_SYSTEM_OFF | SMCCC_64BIT,
		PSCI_SYSTEM_RESET | SMCCC_64BIT,
		PSCI_FEATURES | SMCCC_64BIT,
		0x8400001fU,
		0xc400001fU,
	};

	for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		check_eq((uint64_t)call(unknown[i], 0, 0, 0), (uint64_t)PSCI_NOT_SUPPORTED,
			 "unknown 0x%x", unknown[i]);
}

static void check_migrate(void)
{
	check_call(PSCI_MIGRATE_NOT_REQUIRED, "MIGRATE_INFO_TYPE", PSCI_MIGRATE_INFO_TYPE, 0, 0, 0);
	check_call(PSCI_NOT_SUPPORTED, "MIGRATE", PSCI_MIGRATE, 0, 0, 0);
}

static void check_affinity_info(void)
{
	uint64_t self = read_sysreg(mpidr_el1) & MPIDR_AFFINITY_MASK;

	check_call(PSCI_AFFINITY_ON, "AFFINITY_INFO self", PSCI_AFFINITY_INFO, self, 0, 0);
	check_call(PSCI_AFFINITY_ON, "AFFINITY_INFO64 self", PSCI_AFFINITY_INFO64, self, 0, 0);
	check_call(PSCI_AFFINITY_ON, "AFFINITY_INFO ignores high halves", PSCI_AFFINITY_INFO,
		   HIGH_GARBAGE | self, HIGH_GARBAGE, 0);
	check_call(PSCI_INVALID_PARAMETERS, "AFFINITY_INFO absent", PSCI_AFFINITY_INFO, NO_SUCH_CPU,
		   0, 0);
	check_call(PSCI_INVALID_PARAMETERS, "AFFINITY_INFO64 absent", PSCI_AFFINITY_INFO64,
		   NO_SUCH_CPU, 0, 0);
	check_call(PSCI_INVALID_PARAMETERS, "AFFINITY_INFO64 level 4", PSCI_AFFINITY_INFO64, self,
		   4, 0);
	check_call(PSCI_INVALID_PARAMETERS, "AFFINITY_INFO64 level -1", PSCI_AFFINITY_INFO64, self,
		   ~0UL, 0);
}

static void check_function_id_is_w0(void)
{
	struct smccc_regs regs = { .x = { HIGH_GARBAGE | PSCI_MIGRATE_INFO_TYPE } };

	smccc_call(&regs);
	check_eq((uint32_t)regs.x[0], PSCI_MIGRATE_NOT_REQUIRED, "function identifier is W0");
}

/* A standby state: returns SUCCESS after a wake-up event, which may come early (DEN0022,
 * CPU_SUSPEND). */
static void check_suspend(uint32_t function, const char *name)
{
	uint64_t cval = vtimer_arm(5);
	int64_t status = call(function, 0, (uintptr_t)secondary_entry, 0);

	if (timer_now() < cval)
		note("%s woke before the timer", name);
	check_eq((uint64_t)status, PSCI_SUCCESS, "%s standby", name);
	check(wait_until(gic_pending(INTID_VTIMER), 1000), "%s: timer interrupt pending", name);
	check_eq(gic_poll(), INTID_VTIMER, "%s: timer interrupt acknowledged", name);
	vtimer_stop();
}

static volatile bool may_go;
static volatile bool cpu_off_returned;

static void secondary(unsigned int cpu)
{
	(void)cpu;
	while (!may_go)
		asm volatile("yield");
	call(PSCI_CPU_OFF, 0, 0, 0);
	cpu_off_returned = true;
}

static void check_on_off(unsigned int cpu, uint32_t cpu_on, uint32_t affinity_info,
			 const char *name)
{
	uint64_t target = cpu_affinity(cpu), entry = (uintptr_t)secondary_entry;

	may_go = false;
	cpu_set_main(cpu, secondary);
	check_eq((uint64_t)call(affinity_info, target, 0, 0), PSCI_AFFINITY_OFF,
		 "%s: target is off", name);
	if (!check_eq((uint64_t)call(cpu_on, target, entry, 0x5ca1ab1e), PSCI_SUCCESS, "%s",
		      name) ||
	    !check(cpu_wait_online(cpu, 10000), "%s: target came up", name))
		return;
	check_eq(cpu_entry[cpu].x0, 0x5ca1ab1e, "%s: context id", name);
	check_eq((uint64_t)call(affinity_info, target, 0, 0), PSCI_AFFINITY_ON, "%s: target is on",
		 name);
	check_eq((uint64_t)call(cpu_on, target, entry, 0), (uint64_t)PSCI_ALREADY_ON,
		 "%s: ALREADY_ON", name);

	may_go = true;
	check(wait_until(call(affinity_info, target, 0, 0) == PSCI_AFFINITY_OFF, 10000),
	      "%s: target went off", name);
	check(!cpu_off_returned, "CPU_OFF does not return");
}

static void check_cpu_on_errors(unsigned int cpus)
{
	uint64_t entry = (uintptr_t)secondary_entry;
	uint64_t last = cpu_affinity(cpus - 1);

	check_call(PSCI_ALREADY_ON, "CPU_ON64 self", PSCI_CPU_ON64, cpu_affinity(0), entry, 0);
	check_call(PSCI_INVALID_PARAMETERS, "CPU_ON absent", PSCI_CPU_ON, NO_SUCH_CPU, entry, 0);
	check_call(PSCI_INVALID_PARAMETERS, "CPU_ON64 absent", PSCI_CPU_ON64, NO_SUCH_CPU, entry,
		   0);
	check_call(PSCI_INVALID_PARAMETERS, "CPU_ON64 next of last", PSCI_CPU_ON64,
		   cpu_affinity(cpus), entry, 0);
	if (cpus == 1) {
		skip("CPU_ON of another", "one CPU");
		return;
	}
	check_call(PSCI_INVALID_PARAMETERS, "CPU_ON64 bit 31 set", PSCI_CPU_ON64, MPIDR_RES1 | last,
		   entry, 0);
	check_on_off(1, PSCI_CPU_ON64, PSCI_AFFINITY_INFO64, "CPU_ON64");
	check_on_off(1, PSCI_CPU_ON64, PSCI_AFFINITY_INFO64, "CPU_ON64 again");
	check_on_off(1, PSCI_CPU_ON, PSCI_AFFINITY_INFO, "CPU_ON");

	/* KVM's own PSCI accepts any address, and sends the CPU astray. */
	if (!psci_is_arcvisors()) {
		skip("CPU_ON64 entry outside memory", "PSCI is KVM's");
		return;
	}
	check_call(PSCI_INVALID_ADDRESS, "CPU_ON64 entry outside memory", PSCI_CPU_ON64, last,
		   HOLE_BASE, 0);
}

void guest_main(void)
{
	exception_catch();

	int64_t version = call(PSCI_VERSION, 0, 0, 0);
	struct exception refused = exception_caught();

	if (!check_eq(refused.count ? refused.esr : 0, 0, "conduit: no exception"))
		return;
	if (version == PSCI_NOT_SUPPORTED && !psci_is_arcvisors()) {
		skip("all", "KVM's own PSCI does not answer this conduit");
		return;
	}
	if (!check(version != PSCI_NOT_SUPPORTED, "conduit: PSCI answers"))
		return;

	gic_init(0);
	gic_enable(INTID_VTIMER);
	check_version();
	check_features();
	check_unknown();
	check_migrate();
	check_affinity_info();
	check_function_id_is_w0();
	check_suspend(PSCI_CPU_SUSPEND, "CPU_SUSPEND");
	check_suspend(PSCI_CPU_SUSPEND64, "CPU_SUSPEND64");
	check_cpu_on_errors(gic_cpu_count());
}
