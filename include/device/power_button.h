/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A power button on a pin of a PL061, high while it is pressed.
 *
 * A press lasts until the guest has looked at the pin, and a moment longer, as a finger's would:
 * a guest that debounces, sleeps or boots slowly misses none and sees each once.
 */
#ifndef ARCVISOR_DEVICE_POWER_BUTTON_H
#define ARCVISOR_DEVICE_POWER_BUTTON_H

#include <stdatomic.h>

#include "device/pl061.h"
#include "loop/loop.h"

/* How long the button stays down after the guest saw it: longer than guests debounce (5 ms). */
#define POWER_BUTTON_HOLD_NS 100000000ull

struct power_button {
	struct loop *loop;
	struct pl061 *gpio;
	unsigned int pin;
	bool pressed;	      /* the loop's thread */
	_Atomic bool awaited; /* the guest is to look */
	struct loop_event seen;
	struct loop_timer hold;
};

/*
 * On the loop's thread, as all of these, before any vCPU runs. Takes the watch of @gpio. 0 or
 * -errno.
 */
int power_button_init(struct power_button *button, struct loop *loop, struct pl061 *gpio,
		      unsigned int pin);

/* No vCPU runs any more. */
void power_button_fini(struct power_button *button);

/* Presses and releases. One that is pressed already stays so: the guest sees one press. */
void power_button_press(struct power_button *button);

#endif
