/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores that the backend does not finish by itself. On the vCPU's thread, from dispatch;
 * each returns 1 if it did the access, 0 if that is not its to do and nothing has happened, or
 * -errno when the host failed and the vCPU's registers may be half of each.
 */
#ifndef ARCVISOR_EXIT_EMULATE_H
#define ARCVISOR_EXIT_EMULATE_H

#include "exit/dispatch.h"

/*
 * Executes the instruction behind a VCPU_EXIT_NISV as a whole: its transfers, its write-back, its
 * step of PC. 0: not a plain load or store, or not one of that address.
 */
int nisv_emulate(const struct exit_env *env, const struct vcpu_exit *exit);

/*
 * Completes a VCPU_EXIT_MMIO whose data the device has filled, if the instruction is a load that
 * extends its sign: hands the reply over, settles the vCPU, and sets the register
 * (docs/decisions/0006-sign-extension.md). 0: any other access, still to be replied to.
 */
int mmio_extend_sign(const struct exit_env *env, const struct vcpu_exit *exit);

#endif
