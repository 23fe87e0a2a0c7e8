/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt controller, GICv2 (Arm IHI0048) or GICv3 (Arm IHI0069), whichever the machine has:
 * gic_v2.c and gic_v3.c are what each does its own way.
 */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_SPURIOUS 1023U

/* Called for every interrupt taken, between acknowledge and end of interrupt. */
typedef void gic_handler(unsigned int intid);

bool gic_is_v2(void);
bool gic_has_lpis(void); /* a GICv3 with an ITS */

/* The boot CPU calls gic_init() once; every CPU that takes interrupts calls gic_cpu_init(). */
void gic_init(gic_handler *handler);
void gic_cpu_init(void);

/* Enables an interrupt: an SGI or PPI for the calling CPU, an SPI (level-triggered) routed to it.
 */
void gic_enable(unsigned int intid);
void gic_enable_edge(unsigned int intid); /* the same for an edge-triggered SPI */

/* Pending state of an SGI or PPI of the calling CPU. */
bool gic_pending(unsigned int intid);

/* Acknowledges and ends one interrupt without taking it; GIC_SPURIOUS if none is pending. */
unsigned int gic_poll(void);

/* The vector's: acknowledge, handle, end. */
void gic_handle_irq(void);

void gic_send_sgi(unsigned int intid, uint64_t affinity);
void gic_send_sgi_others(unsigned int intid); /* all CPUs but the sender */

/*
 * How many CPUs the machine has: one redistributor each, up to GICR_TYPER.Last; or what
 * GICD_TYPER says.
 */
unsigned int gic_cpu_count(void);

/* Affinity of the n-th redistributor, in MPIDR_EL1's layout; of the n-th CPU with a GICv2. */
uint64_t gic_affinity(unsigned int n);

#endif
