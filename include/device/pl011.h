/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 UART (Arm DDI0183), r1p5: an MMIO device of 4 KiB, one level interrupt.
 *
 * Register accesses come from any vCPU's thread, input from the loop's; a mutex guards the
 * registers and the interrupt line. No guest access can make the VMM wait.
 */
#ifndef ARCVISOR_DEVICE_PL011_H
#define ARCVISOR_DEVICE_PL011_H

#include "console/console.h"
#include "exit/mmio.h"
#include "irq/irq.h"

#define PL011_SIZE 0x1000u

struct pl011;

/* @console may be NULL: output vanishes, no input. @line is level-triggered; both outlive it. */
int pl011_create(struct console *console, struct irq_line *line, struct pl011 **out);
void pl011_destroy(struct pl011 *uart); /* detaches from the console; NULL is fine */

extern const struct mmio_ops pl011_mmio_ops; /* its context is the struct pl011 */

#endif
