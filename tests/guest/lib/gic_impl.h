/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the library: what each kind of interrupt controller does its own way. */
#ifndef GUEST_GIC_IMPL_H
#define GUEST_GIC_IMPL_H

#include <stdbool.h>
#include <stdint.h>

/* At the same offset in a distributor and in a GICv3 redistributor's SGI_base frame. */
#define GIC_IGROUPR    0x0080U
#define GIC_ISENABLER  0x0100U
#define GIC_ISPENDR    0x0200U
#define GIC_IPRIORITYR 0x0400U
#define GIC_ICFGR      0x0c00U

#define GIC_PRIORITY  0xa0U
#define GIC_FIRST_SPI 32U

void gic_v2_init(void);
void gic_v2_cpu_init(void);
void gic_v2_route(unsigned int intid); /* an SPI to the calling CPU */
uint32_t gic_v2_acknowledge(void);     /* what gic_v2_end() wants back; INTID in bits 9:0 */
void gic_v2_end(uint32_t acknowledged);
void gic_v2_send_sgi(unsigned int intid, uint64_t affinity);
void gic_v2_send_sgi_others(unsigned int intid);
unsigned int gic_v2_cpu_count(void);

void gic_v3_init(void);
void gic_v3_cpu_init(void);
void gic_v3_route(unsigned int intid);
uintptr_t gic_v3_own_frame(void); /* SGI_base of the calling CPU's redistributor */
uint32_t gic_v3_acknowledge(void);
void gic_v3_end(uint32_t acknowledged);
void gic_v3_send_sgi(unsigned int intid, uint64_t affinity);
void gic_v3_send_sgi_others(unsigned int intid);
unsigned int gic_v3_cpu_count(void);
uint64_t gic_v3_affinity(unsigned int n);

#endif
