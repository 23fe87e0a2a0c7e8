/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of SVE at the longest vector is what it was after each way out of the guest: to
 * arcvisor and back, to KVM, to sleep. Z31, P0 and P1 are the checks' own.
 */
#include "check.h"
#include "cpu.h"
#include "features.h"
#include "gic.h"
#include "map.h"
#include "mmio.h"
#include "timer.h"

#define CPACR_FPEN  (3UL << 20)
#define CPACR_ZEN   (3UL << 16)
#define ZCR_LONGEST 0x1ffUL /* more than any; the CPU takes the longest that it has */
#define ROUNDS	    20

#define SVE ".arch armv8.2-a+sve\n\t"

/* Each vector N holds seed + N, seed + N + step, ... */
#define FILL_Z(n) "add x9, %0, #" #n "\n\tindex z" #n ".d, x9, #3\n\t"
#define TEST_Z(n)                                        \
	"add x9, %1, #" #n "\n\tindex z31.d, x9, #3\n\t" \
	"cmpne p1.d, p0/z, z" #n ".d, z31.d\n\tcset x9, any\n\tadd %0, %0, x9\n\t"
#define FILL_P(n) "ptrue p" #n ".b, vl" #n "\n\t"
#define TEST_P(n)                                                                      \
	"ptrue p1.b, vl" #n "\n\teors p1.b, p0/z, p1.b, p" #n ".b\n\tcset x9, any\n\t" \
	"add %0, %0, x9\n\t"

#define ALL_Z(op)                                                                               \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) op(24)    \
			op(25) op(26) op(27) op(28) op(29) op(30)
/* Pattern VLn exists for 1 to 8. */
#define ALL_P(op) op(2) op(3) op(4) op(5) op(6) op(7) op(8)

static volatile unsigned int fired;

static void fill(uint64_t seed)
{
	asm volatile(SVE "ptrue p0.b\n\t" ALL_Z(FILL_Z) ALL_P(FILL_P) "wrffr p5.b"
		     :
		     : "r"(seed)
		     : "x9");
}

/* How many registers hold something else than fill(@seed) put there. */
static uint64_t changed(uint64_t seed)
{
	uint64_t wrong = 0;

	asm volatile(SVE "ptrue p0.b\n\t" ALL_Z(TEST_Z)
			     ALL_P(TEST_P) "rdffr p1.b\n\teors p1.b, p0/z, p1.b, p5.b\n\tcset x9, "
					   "any\n\tadd %0, %0, x9"
		     : "+r"(wrong)
		     : "r"(seed)
		     : "x9", "cc");
	return wrong;
}

static uint64_t vector_bytes(void)
{
	uint64_t bytes;

	asm volatile(SVE "cntb %0" : "=r"(bytes));
	return bytes;
}

static void on_irq(unsigned int intid)
{
	(void)intid;
	vtimer_stop();
	fired++;
}

static void leave_to_device(void)
{
	mmio_write32(RTC_BASE + 0x8, mmio_read32(RTC_BASE)); /* RTCLR from RTCDR */
}

static void leave_to_service(void)
{
	psci(PSCI_VERSION, 0, 0, 0);
}

static void leave_to_sleep(void)
{
	fired = 0;
	vtimer_arm(2);
	while (!fired) {
		wfi();
		irq_enable();
		irq_disable();
	}
}

/* What the compiler's own code could do to vectors: nothing, it is built without them. */
static void check_way(const char *name, void (*leave)(void))
{
	uint64_t wrong = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t seed = (uint64_t)round * 0x123456789abUL;

		fill(seed);
		leave();
		wrong += changed(seed);
	}
	check_eq(wrong, 0, "%s: every vector, predicate and FFR as before", name);
}

static void enable_longest(void)
{
	write_sysreg(cpacr_el1, CPACR_FPEN | CPACR_ZEN);
	isb();
	write_sysreg(S3_0_C1_C2_0, ZCR_LONGEST); /* ZCR_EL1 */
	isb();
}

static volatile uint64_t other_bytes, other_wrong;

static void on_other_cpu(unsigned int cpu)
{
	(void)cpu;
	enable_longest();
	fill(3);
	leave_to_service();
	other_wrong = changed(3);
	other_bytes = vector_bytes();
	dsb();
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

/* What a CPU has after CPU_ON is what it had the first time: it was reset in between. */
static void check_other_cpu(const char *time)
{
	other_bytes = 0;
	other_wrong = 1;
	dsb();
	check_eq((uint64_t)cpu_start(1, on_other_cpu, 0), PSCI_SUCCESS, "CPU 1 starts, %s", time);
	check(wait_until(psci_affinity_info(cpu_affinity(1)) == PSCI_AFFINITY_OFF, 5000),
	      "CPU 1 goes off, %s", time);
	check_eq(other_bytes, vector_bytes(), "CPU 1 has vectors of the same length, %s", time);
	check_eq(other_wrong, 0, "CPU 1 keeps them, %s", time);
}

void guest_main(void)
{
	if (!has_sve()) {
		skip("all", "no SVE");
		return;
	}
	enable_longest();
	note("vectors of %u bytes", (unsigned int)vector_bytes());
	check(vector_bytes() >= 16 && vector_bytes() % 16 == 0,
	      "a vector length of the architecture");
	fill(1);
	check(changed(2) >= 31, "the check sees a change");
	gic_init(on_irq);
	gic_enable(INTID_VTIMER);
	check_way("a device", leave_to_device);
	check_way("a hypercall", leave_to_service);
	check_way("sleep", leave_to_sleep);
	if (gic_cpu_count() > 1) {
		check_other_cpu("once");
		check_other_cpu("and again");
	} else {
		skip("off and on", "one CPU");
	}
}
