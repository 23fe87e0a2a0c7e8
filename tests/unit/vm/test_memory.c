/* SPDX-License-Identifier: Apache-2.0 */
/* Who can map guest memory. */
#include <criterion/criterion.h>

#include "../../../src/vm/check.h"

static bool is_private(struct vm_config config)
{
	config.backing.private = config.share != VM_SHARE_OFF; /* whatever it was */
	return memory_backing(&config).private;
}

Test(memory, is_private_unless_somebody_must_map_it)
{
	cr_expect(is_private((struct vm_config){ 0 }));
	cr_expect_not(is_private((struct vm_config){ .nr_vhosts = 1 }));
	cr_expect_not(is_private((struct vm_config){ .backing.huge = GMEM_HUGE_POOL }));
	cr_expect(is_private((struct vm_config){ .backing.huge = GMEM_HUGE_THP }));
}

Test(memory, is_what_was_asked_for)
{
	cr_expect_not(is_private((struct vm_config){ .share = VM_SHARE_ON }));
	cr_expect(is_private((struct vm_config){ .share = VM_SHARE_OFF }));
}
