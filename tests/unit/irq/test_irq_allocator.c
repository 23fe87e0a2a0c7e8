/* SPDX-License-Identifier: Apache-2.0 */
/* SPIs are handed out once each, and nothing but SPIs. */
#include "irq/irq.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct irq_allocator alloc;

static void setup(void)
{
	irq_allocator_init(&alloc, 64);
}

TestSuite(irq_allocator, .init = setup);

/* Complaint 14: each interrupt that the controller has can be a device's. */
Test(irq_allocator, hands_out_each_spi_once_from_the_lowest)
{
	unsigned int intid;

	for (unsigned int expected = GIC_SPI_BASE; expected < 64; expected++) {
		cr_assert_eq(irq_alloc(&alloc, &intid), 0);
		cr_assert_eq(intid, expected);
	}
	intid = 7;
	cr_assert_eq(irq_alloc(&alloc, &intid), -ENOSPC);
	cr_assert_eq(intid, 7, "a failure wrote a result");
}

Test(irq_allocator, passes_over_what_was_claimed)
{
	unsigned int intid;

	cr_assert_eq(irq_claim(&alloc, 32), 0);
	cr_assert_eq(irq_claim(&alloc, 34), 0);
	cr_assert_eq(irq_alloc(&alloc, &intid), 0);
	cr_assert_eq(intid, 33);
	cr_assert_eq(irq_alloc(&alloc, &intid), 0);
	cr_assert_eq(intid, 35);
}

Test(irq_allocator, refuses_to_claim_twice)
{
	unsigned int intid;

	cr_assert_eq(irq_claim(&alloc, 40), 0);
	cr_assert_eq(irq_claim(&alloc, 40), -EBUSY);
	cr_assert_eq(irq_alloc(&alloc, &intid), 0);
	cr_assert_eq(irq_claim(&alloc, intid), -EBUSY);
}

/* SGIs and PPIs are below the SPIs (Arm IHI0069 2.2.1). */
Test(irq_allocator, refuses_what_is_no_spi)
{
	cr_assert_eq(irq_claim(&alloc, 0), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, 31), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, 64), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, 4096), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, UINT32_MAX), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, 63), 0);
}

/* 1020 to 1023 are special INTIDs, not SPIs (Arm IHI0069 2.2.1). */
Test(irq_allocator, ends_before_the_special_intids)
{
	unsigned int intid, count = 0;

	irq_allocator_init(&alloc, 1024);
	while (irq_alloc(&alloc, &intid) == 0)
		count++;
	cr_assert_eq(count, 1020 - GIC_SPI_BASE);
	cr_assert_eq(intid, 1019);
	cr_assert_eq(irq_claim(&alloc, 1020), -EINVAL);
	cr_assert_eq(irq_claim(&alloc, 1023), -EINVAL);
}

Test(irq_allocator, begins_anew_after_init)
{
	cr_assert_eq(irq_claim(&alloc, 40), 0);
	irq_allocator_init(&alloc, 64);
	cr_assert_eq(irq_claim(&alloc, 40), 0);
}
