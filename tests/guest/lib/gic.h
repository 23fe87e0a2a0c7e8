/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 (Arm IHI0069), one security state, affinity routing, everything in group 1. */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_SPURIOUS 1023U

/* Called for every interrupt taken, between acknowledge and end of interrupt. */
typedef void gic_handler(unsigned int intid);

/* The boot CPU calls gic_init() once; every CPU that takes interrupts calls gic_cpu_init(). */
void gic_init(gic_handler *handler);
void gic_cpu_init(void);

/* Enables an interrupt: an SGI or PPI for the calling CPU, an SPI (level-triggered) routed to it.
 */
void gic_enable(unsigned int intid);

/* Pending state of an SGI or PPI of the calling CPU. */
bool gic_pending(unsigned int intid);

/* Acknowledges and ends one interrupt without taking it; GIC_SPURIOUS if none is pending. */
unsigned int gic_poll(void);

/* The vector's: acknowledge, handle, end. */
void gic_handle_irq(void);

void gic_send_sgi(unsigned int intid, uint64_t affinity);
void gic_send_sgi_others(unsigned int intid); /* ICC_SGI1R_EL1.IRM: all CPUs but the sender */

/* How many CPUs the machine has: one redistributor each, up to GICR_TYPER.Last. */
unsigned int gic_cpu_count(void);

/* Affinity of the n-th redistributor, in MPIDR_EL1's layout. */
uint64_t gic_affinity(unsigned int n);

#endif
