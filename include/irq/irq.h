/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines: what a device holds instead of an interrupt controller.
 *
 * A device tree and a device must agree on a line's trigger, so the line carries it and both are
 * made from the same one. Lines are created before any vCPU runs; irq_line_set() may be called
 * from any thread that owns the device's state.
 */
#ifndef ARCVISOR_IRQ_IRQ_H
#define ARCVISOR_IRQ_IRQ_H

#include <stdbool.h>

#include "backend/backend.h"

#define GIC_PPI_BASE 16u /* first private peripheral interrupt (Arm IHI0069 2.2.1) */
#define GIC_SPI_BASE 32u /* first shared peripheral interrupt (Arm IHI0069 2.2.1) */

enum irq_trigger {
	IRQ_LEVEL_HIGH,
	IRQ_EDGE_RISING,
};

struct irq_line {
	const struct backend_ops *ops;
	struct backend_vm *vm;
	unsigned int intid;
	enum irq_trigger trigger;
	int eventfd; /* -1, or bound to the line (edge lines only) */
	bool level;  /* what the wire carries now (level lines only) */
};

/* A line driven by calls. */
void irq_line_init(struct irq_line *line, const struct backend_ops *ops, struct backend_vm *vm,
		   unsigned int intid, enum irq_trigger trigger);

/*
 * Binds a new eventfd to an edge line: each write to it is one interrupt, without a thread of
 * ours. Once a line. 0, -EINVAL for a level line, what eventfd(2) said, or the backend's error.
 */
int irq_line_bind_eventfd(struct irq_line *line);

/* Unbinds and closes the eventfd, if there is one. */
void irq_line_fini(struct irq_line *line);

/*
 * Level line: puts the wire at @level; nothing is asked of the backend where it is there already.
 * The caller's own lock guards the line with the device's state. A level that the backend refuses
 * is logged, and asked for again by the next call.
 */
void irq_line_set(struct irq_line *line, bool level);

/* Edge line: one interrupt. Never waits; guarded as irq_line_set(). */
void irq_line_pulse(struct irq_line *line);

/*
 * Shared peripheral interrupts, handed out once each. irq_alloc() takes the lowest free INTID,
 * irq_claim() a certain one: 0, -ENOSPC (none free), -EBUSY (taken), -EINVAL (no such SPI; the
 * last that there can be is 1019, Arm IHI0069 2.2.1). Before any vCPU runs.
 */
struct irq_allocator {
	unsigned int nr_irqs; /* INTIDs from 0, as in struct backend_gic_config */
	unsigned char used[128];
};

void irq_allocator_init(struct irq_allocator *alloc, unsigned int nr_irqs);
int irq_claim(struct irq_allocator *alloc, unsigned int intid);
int irq_alloc(struct irq_allocator *alloc, unsigned int *intid);

#endif
