/* SPDX-License-Identifier: Apache-2.0 */
/* An instruction fetch where there is no memory is a synchronous external abort, and the guest
 * lives. */
#include "check.h"
#include "exception.h"
#include "map.h"

static void check_fetch(uintptr_t addr, const char *name)
{
	void (*function)(void) = (void (*)(void))addr;

	exception_catch();
	function();

	struct exception fetch = exception_caught();

	if (!check_eq(fetch.count, 1, "%s: one exception", name))
		return;
	check_eq(ESR_EC(fetch.esr), EC_IABT_CUR_EL, "%s: instruction abort", name);
	check_eq(ESR_FSC(fetch.esr), FSC_EXTERNAL, "%s: external", name);
	check_eq(fetch.far, addr, "%s: FAR_EL1", name);
	check_eq(fetch.elr, addr, "%s: ELR_EL1", name);
}

void guest_main(void)
{
	check_fetch(HOLE_BASE, "hole");
	check_fetch(UART_BASE, "device");
}
