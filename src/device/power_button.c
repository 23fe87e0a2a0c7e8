/* SPDX-License-Identifier: Apache-2.0 */
/* A power button: down, seen, up. */
#include "device/power_button.h"

#include "base/util.h"

/*
 * On a vCPU's thread, at each look of the guest's at a high pin: the exchange makes all but the
 * first after a press cheap.
 */
static void sampled(void *ctx, uint8_t pins)
{
	struct power_button *button = ctx;

	if ((pins & BIT(button->pin)) && atomic_exchange(&button->awaited, false))
		loop_event_raise(&button->seen);
}

static void seen(void *ctx)
{
	struct power_button *button = ctx;

	loop_timer_set(&button->hold, POWER_BUTTON_HOLD_NS);
}

static void release(void *ctx)
{
	struct power_button *button = ctx;

	button->pressed = false;
	pl061_set_input(button->gpio, button->pin, false);
}

int power_button_init(struct power_button *button, struct loop *loop, struct pl061 *gpio,
		      unsigned int pin)
{
	int ret;

	*button = (struct power_button){ .loop = loop, .gpio = gpio, .pin = pin };
	ret = loop_event_init(loop, &button->seen, seen, button);
	if (ret < 0)
		return ret;
	ret = loop_timer_init(loop, &button->hold, release, button);
	if (ret < 0) {
		loop_event_fini(loop, &button->seen);
		return ret;
	}
	pl061_watch(gpio, sampled, button);
	return 0;
}

void power_button_fini(struct power_button *button)
{
	pl061_watch(button->gpio, NULL, NULL);
	loop_timer_fini(button->loop, &button->hold);
	loop_event_fini(button->loop, &button->seen);
}

void power_button_press(struct power_button *button)
{
	if (button->pressed)
		return;
	button->pressed = true;
	/* Before the pin rises: the guest may look at once. */
	atomic_store(&button->awaited, true);
	pl061_set_input(button->gpio, button->pin, true);
}
