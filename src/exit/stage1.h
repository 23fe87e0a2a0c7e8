/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest addresses as the guest's own stage 1 translation has them, and the instruction at PC
 * (Arm DDI0487 D8, VMSAv8-64, EL1&0 regime).
 *
 * This follows a translation that the hardware has just made, so it looks for the address alone:
 * permissions, attributes and access flags were checked before. The guest may have changed its
 * tables or its code since; then the answer is another one, and harms nobody but the guest.
 */
#ifndef ARCVISOR_EXIT_STAGE1_H
#define ARCVISOR_EXIT_STAGE1_H

#include <stdint.h>

#include "backend/backend.h"
#include "mem/gmem.h"

/*
 * Translates @va. 0, or -EFAULT: not mapped, a table is not in RAM, or the vCPU is in a state that
 * is not served (AArch32, big-endian data, addresses of 52 bits).
 */
int stage1_translate(const struct gmem *mem, const struct vcpu_context *context, uint64_t va,
		     gpa_t *gpa);

/* Reads the A64 instruction at PC. 0, or -EFAULT: as above, or PC is not aligned or not in RAM. */
int stage1_fetch(const struct gmem *mem, const struct vcpu_context *context, uint32_t *insn);

#endif
