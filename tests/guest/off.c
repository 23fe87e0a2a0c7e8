/* SPDX-License-Identifier: Apache-2.0 */
/* SYSTEM_OFF and nothing else: the VMM ends with status 0. */
#include "check.h"

void guest_main(void)
{
	print("off\n");
	power_off();
}
