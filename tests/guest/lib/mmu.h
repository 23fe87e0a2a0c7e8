/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MMU, for tests that are about it: 4 KiB granules, 48-bit addresses in both halves.
 *
 * The low half maps every address to itself, by blocks of 1 GiB. The high half maps memory at
 * MMU_HIGH + its address by blocks of 2 MiB, and the first page of the PL011 and the PL031 by
 * pages.
 */
#ifndef GUEST_MMU_H
#define GUEST_MMU_H

#define MMU_HIGH 0xffff000000000000UL

/* Turns MMU and caches of the calling CPU on. Once. */
void mmu_enable(void);

/* The same, but that all below RAM is Normal memory in the low half: may be accessed unaligned. */
void mmu_enable_normal_devices(void);

#endif
