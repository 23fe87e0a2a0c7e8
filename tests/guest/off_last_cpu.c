/* SPDX-License-Identifier: Apache-2.0 */
/* CPU_OFF by the only CPU that is on: nothing runs any more, and the VMM can still be stopped from
 * outside. */
#include "check.h"
#include "psci.h"

void guest_main(void)
{
	print("last cpu off\n");
	panic("CPU_OFF returned %ld", psci(PSCI_CPU_OFF, 0, 0, 0));
}
