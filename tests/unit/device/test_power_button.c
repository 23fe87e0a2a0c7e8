/* SPDX-License-Identifier: Apache-2.0 */
/* The power button: held until the guest has looked, then released, seen once. */
#include <criterion/criterion.h>

#include "device/power_button.h"

#define PIN 3u

enum {
	DATA_PIN = 0x20,
	IBE = 0x408,
	IE = 0x410,
	MIS = 0x418,
	IC = 0x41c,
};

static struct loop *loop;
static struct pl061 *gpio;
static struct irq_line line;
static struct power_button button;
static unsigned int interrupts;

/* The line is the guest: each rise is an interrupt, and the second of a press ends the test. */
static int irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	interrupts += level;
	if (level && interrupts % 2 == 0)
		loop_stop(loop);
	return 0;
}

static const struct backend_ops ops = { .name = "wire", .irq_set = irq_set };

static uint32_t get(uint64_t reg)
{
	return (uint32_t)pl061_mmio_ops.read(gpio, reg, 4);
}

static void put(uint64_t reg, uint32_t val)
{
	pl061_mmio_ops.write(gpio, reg, 4, val);
}

static void setup(void)
{
	interrupts = 0;
	cr_assert_eq(loop_create(&loop), 0);
	irq_line_init(&line, &ops, NULL, 39, IRQ_LEVEL_HIGH);
	cr_assert_eq(pl061_create(&line, &gpio), 0);
	cr_assert_eq(power_button_init(&button, loop, gpio, PIN), 0);
	put(IBE, 1u << PIN);
	put(IE, 1u << PIN);
}

static void teardown(void)
{
	power_button_fini(&button);
	pl061_destroy(gpio);
	loop_destroy(loop);
}

TestSuite(power_button, .init = setup, .fini = teardown);

static bool is_down(void)
{
	return button.pressed;
}

static void look(void)
{
	cr_expect_eq(get(MIS), 1u << PIN);
	put(IC, 1u << PIN);
	get(DATA_PIN);
}

/* What the loop still has to do, and no more. */
static void run_pending(void)
{
	loop_stop(loop);
	cr_assert_eq(loop_run(loop), 0);
}

Test(power_button, is_held_until_the_guest_looks)
{
	power_button_press(&button);
	cr_expect(is_down());
	cr_expect_eq(interrupts, 1);
	put(IC, 1u << PIN);
	run_pending();
	cr_expect(is_down(), "an interrupt that was acknowledged is not a look");
	cr_expect_eq(get(DATA_PIN), 1u << PIN);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_not(is_down());
	cr_expect_eq(get(DATA_PIN), 0);
	cr_expect_eq(interrupts, 2, "down and up");
}

Test(power_button, pressed_twice_is_one_press)
{
	power_button_press(&button);
	power_button_press(&button);
	look();
	power_button_press(&button);
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(interrupts, 2);
	cr_expect_not(is_down());
}

Test(power_button, can_be_pressed_again)
{
	for (unsigned int i = 1; i <= 2; i++) {
		power_button_press(&button);
		look();
		cr_assert_eq(loop_run(loop), 0);
		put(IC, 1u << PIN);
		cr_expect_eq(interrupts, 2 * i);
	}
}

/* However often the guest looks, it is one event. */
Test(power_button, a_guest_that_keeps_looking_releases_once)
{
	power_button_press(&button);
	put(IC, 1u << PIN);
	for (int i = 0; i < 1000; i++)
		get(DATA_PIN);
	cr_assert_eq(loop_run(loop), 0);
	for (int i = 0; i < 1000; i++)
		get(DATA_PIN);
	cr_expect_eq(interrupts, 2);
}

Test(power_button, may_be_down_at_the_end)
{
	power_button_press(&button);
	cr_expect(is_down());
}
