/* SPDX-License-Identifier: Apache-2.0 */
/* What a proof is written with (CBMC): values about which nothing is known. */
#ifndef ARCVISOR_TESTS_PROVE_H
#define ARCVISOR_TESTS_PROVE_H

#include <stdbool.h>
#include <stdint.h>

unsigned int nondet_uint(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

#endif
