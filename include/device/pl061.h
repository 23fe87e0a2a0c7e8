/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061 general purpose I/O (Arm DDI0190), r1p0: an MMIO device of 4 KiB with 8 pins.
 *
 * Pins are driven from outside by pl061_set_input(); what the guest drives goes nowhere. Edge and
 * level interrupts of all pins are one level line. GPIOAFSEL is kept and changes nothing: there is
 * no other function. Any thread; a mutex guards the registers.
 */
#ifndef ARCVISOR_DEVICE_PL061_H
#define ARCVISOR_DEVICE_PL061_H

#include "exit/mmio.h"
#include "irq/irq.h"

#define PL061_SIZE 0x1000u
#define PL061_PINS 8u

struct pl061;

/* @line is a level line and outlives the device. 0 or -ENOMEM. */
int pl061_create(struct irq_line *line, struct pl061 **out);
void pl061_destroy(struct pl061 *gpio); /* NULL is fine */

/* Puts input @pin (below PL061_PINS) at @high. A pin that the guest has made an output is left. */
void pl061_set_input(struct pl061 *gpio, unsigned int pin, bool high);

/*
 * @sampled is called whenever the guest reads input pins that are high: @pins, a bit each. On the
 * reader's thread, under the device's lock: it calls no function of this device. Before any vCPU
 * runs.
 */
void pl061_watch(struct pl061 *gpio, void (*sampled)(void *ctx, uint8_t pins), void *ctx);

extern const struct mmio_ops pl061_mmio_ops; /* its context is the struct pl061 */

#endif
