/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI: the calls about CPUs. */
#include "hvc/psci.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

#define CPU_ON32  (PSCI_FN32 + PSCI_FN_CPU_ON)
#define CPU_ON64  (PSCI_FN64 + PSCI_FN_CPU_ON)
#define INFO32	  (PSCI_FN32 + PSCI_FN_AFFINITY_INFO)
#define INFO64	  (PSCI_FN64 + PSCI_FN_AFFINITY_INFO)
#define SUSPEND32 (PSCI_FN32 + PSCI_FN_CPU_SUSPEND)
#define SUSPEND64 (PSCI_FN64 + PSCI_FN_CPU_SUSPEND)

#define ENTRY (TEST_RAM_BASE + 0x1000)

TestSuite(psci_cpu, .init = hvc_init, .fini = hvc_fini);

Test(psci_cpu, on_starts_the_target_in_both_widths)
{
	static const uint32_t fids[] = { CPU_ON32, CPU_ON64 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		cr_assert_eq(hvc_call(fids[i], 2 + i, ENTRY, 0x99), PSCI_SUCCESS);
		cr_assert_eq(hvc.action, SMCCC_RETURN);
		cr_assert_eq(hvc.target, 2 + i);
		cr_assert_eq(hvc.entry, ENTRY);
		cr_assert_eq(hvc.context, 0x99);
	}
	cr_assert_eq(hvc.nr_cpu_on, 2);
}

Test(psci_cpu, on_with_32_bit_arguments_ignores_their_upper_halves)
{
	const uint64_t junk = 0xabcdef0100000000;

	cr_assert_eq(hvc_call(CPU_ON32, junk | 1, junk | ENTRY, junk | 7), PSCI_SUCCESS);
	cr_assert_eq(hvc.target, 1);
	cr_assert_eq(hvc.entry, ENTRY);
	cr_assert_eq(hvc.context, 7);
}

Test(psci_cpu, on_with_64_bit_arguments_takes_all_of_them)
{
	cr_assert_eq(hvc_call(CPU_ON64, 1, ENTRY, UINT64_MAX), PSCI_SUCCESS);
	cr_assert_eq(hvc.context, UINT64_MAX);
	cr_assert_eq(hvc_call(CPU_ON64, 1, 1ull << 32 | ENTRY, 0), PSCI_INVALID_ADDRESS);
}

Test(psci_cpu, on_hands_up_what_the_machine_says)
{
	hvc.cpu_on_answer = PSCI_ALREADY_ON;
	cr_assert_eq(hvc_call(CPU_ON64, 0, ENTRY, 0), PSCI_ALREADY_ON);
	hvc.cpu_on_answer = PSCI_ON_PENDING;
	cr_assert_eq(hvc_call(CPU_ON32, 0, ENTRY, 0), PSCI_ON_PENDING);
}

Test(psci_cpu, on_reaches_every_cpu_by_its_affinity)
{
	unsigned int i;

	hvc.psci.nr_vcpus = TEST_MAX_VCPUS;
	for (i = 0; i < TEST_MAX_VCPUS; i++) {
		cr_assert_eq(hvc_call(CPU_ON64, mpidr_of_index(i), ENTRY, 0), PSCI_SUCCESS);
		cr_assert_eq(hvc.target, i);
	}
}

Test(psci_cpu, on_of_a_cpu_that_is_not_there_is_refused)
{
	/* Beyond the last, Aff0 above 15, other clusters, Aff3, every reserved field. */
	static const uint64_t targets[] = {
		4,	    0xf,	0x10,	    0x11,	0xff,	     0x100,
		0x10000,    0x1000000,	0x80000000, 0x80000001, 0x100000000, 0xff00000001,
		1ull << 40, 1ull << 63, UINT32_MAX, UINT64_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		cr_assert_eq(hvc_call(CPU_ON64, targets[i], ENTRY, 0), PSCI_INVALID_PARAMETERS,
			     "0x%lx", (unsigned long)targets[i]);
	cr_assert_eq(hvc_call(CPU_ON32, 0x80000001, ENTRY, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc.nr_cpu_on, 0);
}

Test(psci_cpu, on_at_an_entry_that_is_not_ram_is_refused)
{
	static const uint64_t entries[] = {
		0, 0x9000000, TEST_RAM_BASE - 4, TEST_RAM_BASE + TEST_RAM_SIZE, UINT64_MAX - 3,
	};
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		cr_assert_eq(hvc_call(CPU_ON64, 1, entries[i], 0), PSCI_INVALID_ADDRESS);
	cr_assert_eq(hvc.nr_cpu_on, 0);
	cr_assert_eq(hvc_call(CPU_ON64, 1, TEST_RAM_BASE + TEST_RAM_SIZE - 4, 0), PSCI_SUCCESS);
}

Test(psci_cpu, on_at_an_entry_that_is_no_instruction_is_refused)
{
	unsigned int odd;

	for (odd = 1; odd < 4; odd++) {
		cr_assert_eq(hvc_call(CPU_ON64, 1, ENTRY + odd, 0), PSCI_INVALID_ADDRESS);
		cr_assert_eq(hvc_call(CPU_ON32, 1, ENTRY + odd, 0), PSCI_INVALID_ADDRESS);
	}
	cr_assert_eq(hvc.nr_cpu_on, 0);
}

Test(psci_cpu, off_powers_the_caller_off_and_does_not_return)
{
	hvc_call(PSCI_FN32 + PSCI_FN_CPU_OFF, 0, 0, 0);
	cr_assert_eq(hvc.action, SMCCC_CPU_OFF);
	cr_assert_eq(hvc.nr_ret, 0);
}

Test(psci_cpu, suspend_waits_and_succeeds_in_both_widths)
{
	hvc.caller = 3;
	cr_assert_eq(hvc_call(SUSPEND32, 0, 0, 0), PSCI_SUCCESS);
	cr_assert_eq(hvc_call(SUSPEND64, 0, 0, 0), PSCI_SUCCESS);
	cr_assert_eq(hvc.nr_suspend, 2);
	cr_assert_eq(hvc.suspended, 3);
	cr_assert_eq(hvc.action, SMCCC_RETURN);
	cr_assert_eq(hvc.nr_ret, 1);
}

Test(psci_cpu, suspend_to_power_down_is_served_as_standby)
{
	cr_assert_eq(hvc_call(SUSPEND64, 0x0301ffff, ENTRY, 5), PSCI_SUCCESS);
	cr_assert_eq(hvc.nr_suspend, 1);
}

Test(psci_cpu, suspend_succeeds_at_once_where_the_backend_cannot_wait)
{
	hvc.suspend_answer = -ENOTSUP;
	cr_assert_eq(hvc_call(SUSPEND64, 0, 0, 0), PSCI_SUCCESS);
}

Test(psci_cpu, suspend_refuses_every_reserved_bit)
{
	const uint32_t fields = 0x0301ffff;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		int64_t want = fields >> bit & 1 ? PSCI_SUCCESS : PSCI_INVALID_PARAMETERS;

		cr_assert_eq(hvc_call(SUSPEND32, 1ull << bit, 0, 0), want, "bit %u", bit);
		cr_assert_eq(hvc_call(SUSPEND64, 1ull << bit, 0, 0), want, "bit %u", bit);
	}
	cr_assert_eq(hvc.nr_suspend, 2 * 19);
}

Test(psci_cpu, suspend_takes_a_32_bit_power_state_in_both_widths)
{
	cr_assert_eq(hvc_call(SUSPEND64, 0xffffffff00000000, 0, 0), PSCI_SUCCESS);
}

Test(psci_cpu, affinity_of_one_cpu_is_its_state)
{
	hvc.affinity[1] = PSCI_AFFINITY_OFF;
	hvc.affinity[2] = PSCI_AFFINITY_ON_PENDING;
	cr_assert_eq(hvc_call(INFO64, 0, 0, 0), 0);
	cr_assert_eq(hvc_call(INFO64, 1, 0, 0), 1);
	cr_assert_eq(hvc_call(INFO32, 2, 0, 0), 2);
}

Test(psci_cpu, affinity_of_a_cpu_that_is_not_there_is_refused)
{
	static const uint64_t targets[] = { 4, 0x10, 0x100, 0x80000000, 1ull << 32, UINT64_MAX };
	size_t i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		cr_assert_eq(hvc_call(INFO64, targets[i], 0, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc_call(INFO32, 4, 0, 0), PSCI_INVALID_PARAMETERS);
}

static void set_all(enum psci_affinity state)
{
	unsigned int i;

	hvc.psci.nr_vcpus = TEST_MAX_VCPUS;
	for (i = 0; i < TEST_MAX_VCPUS; i++)
		hvc.affinity[i] = state;
}

Test(psci_cpu, affinity_of_a_cluster_is_off_where_all_of_it_is)
{
	set_all(PSCI_AFFINITY_OFF);
	hvc.affinity[15] = PSCI_AFFINITY_ON;
	hvc.affinity[32] = PSCI_AFFINITY_ON;
	cr_assert_eq(hvc_call(INFO64, 0x100, 1, 0), PSCI_AFFINITY_OFF);
}

Test(psci_cpu, affinity_of_a_cluster_is_on_where_one_cpu_is)
{
	set_all(PSCI_AFFINITY_OFF);
	hvc.affinity[16] = PSCI_AFFINITY_ON_PENDING;
	hvc.affinity[31] = PSCI_AFFINITY_ON;
	cr_assert_eq(hvc_call(INFO64, 0x100, 1, 0), PSCI_AFFINITY_ON);
}

Test(psci_cpu, affinity_of_a_cluster_is_pending_where_one_cpu_is_and_none_is_on)
{
	set_all(PSCI_AFFINITY_OFF);
	hvc.affinity[20] = PSCI_AFFINITY_ON_PENDING;
	cr_assert_eq(hvc_call(INFO64, 0x100, 1, 0), PSCI_AFFINITY_ON_PENDING);
	cr_assert_eq(hvc_call(INFO32, 0x100, 1, 0), PSCI_AFFINITY_ON_PENDING);
}

Test(psci_cpu, affinity_levels_ignore_the_fields_below)
{
	set_all(PSCI_AFFINITY_OFF);
	hvc.affinity[39] = PSCI_AFFINITY_ON;
	cr_assert_eq(hvc_call(INFO64, 0x2ff, 1, 0), PSCI_AFFINITY_ON);
	cr_assert_eq(hvc_call(INFO64, 0x1ff, 1, 0), PSCI_AFFINITY_OFF);
	cr_assert_eq(hvc_call(INFO64, 0xffff, 2, 0), PSCI_AFFINITY_ON);
	cr_assert_eq(hvc_call(INFO64, 0xffffff, 3, 0), PSCI_AFFINITY_ON);
}

Test(psci_cpu, affinity_instance_without_cpus_is_refused)
{
	set_all(PSCI_AFFINITY_ON);
	cr_assert_eq(hvc_call(INFO64, 0x300, 1, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc_call(INFO64, 0x10000, 2, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc_call(INFO64, 1ull << 32, 3, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc_call(INFO64, 0x80000000, 3, 0), PSCI_INVALID_PARAMETERS);
}

Test(psci_cpu, affinity_levels_above_three_are_refused)
{
	cr_assert_eq(hvc_call(INFO64, 0, 4, 0), PSCI_INVALID_PARAMETERS);
	cr_assert_eq(hvc_call(INFO32, 0, UINT32_MAX, 0), PSCI_INVALID_PARAMETERS);
}

/* A multiplicative generator (Knuth, MMIX): the same hostile guest each time. */
static uint64_t hostile(uint64_t *state)
{
	static const uint64_t seeds[] = {
		0, 1, ENTRY, 0x80000000, UINT64_MAX, 0x100, 3, 1ull << 40
	};

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	if (*state >> 63)
		return seeds[*state >> 33 & 7];
	return *state >> (*state >> 58 & 31);
}

Test(psci_cpu, hostile_arguments_get_codes_of_the_specification)
{
	uint64_t state = 1;
	unsigned int i;

	for (i = 0; i < 50000; i++) {
		uint32_t width = hostile(&state) & 1 ? PSCI_FN64 : PSCI_FN32;
		uint32_t fid = width + (uint32_t)(hostile(&state) % PSCI_COUNT);
		unsigned int before = hvc.nr_cpu_on;
		int64_t code = hvc_call(fid, hostile(&state), hostile(&state), hostile(&state));

		if (hvc.action == SMCCC_RETURN)
			cr_assert(code >= PSCI_INVALID_ADDRESS && code <= 0x10001, "0x%x", fid);
		if (hvc.nr_cpu_on == before)
			continue;
		cr_assert_lt(hvc.target, hvc.psci.nr_vcpus);
		cr_assert(hvc.entry - TEST_RAM_BASE < TEST_RAM_SIZE && !(hvc.entry & 3));
	}
	cr_assert_gt(hvc.nr_cpu_on, 0);
}
