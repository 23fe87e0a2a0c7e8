/* SPDX-License-Identifier: Apache-2.0 */
/* PL061: pins, masks in addresses, edges and levels (Arm DDI0190). */
#include <criterion/criterion.h>
#include <errno.h>

#include "device/pl061.h"

enum {
	DATA_ALL = 0x3fc,
	DIR = 0x400,
	IS = 0x404,
	IBE = 0x408,
	IEV = 0x40c,
	IE = 0x410,
	RIS = 0x414,
	MIS = 0x418,
	IC = 0x41c,
	AFSEL = 0x420,
};

static struct pl061 *gpio;
static struct irq_line line;
static bool wire;
static unsigned int rises;
static uint8_t seen;
static unsigned int nr_seen;

static int irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	cr_assert_eq(intid, 39);
	rises += level && !wire;
	wire = level;
	return 0;
}

static const struct backend_ops ops = { .name = "wire", .irq_set = irq_set };

static void sampled(void *ctx, uint8_t pins)
{
	cr_expect_eq(ctx, &line);
	seen = pins;
	nr_seen++;
}

static void setup(void)
{
	wire = false;
	rises = nr_seen = 0;
	irq_line_init(&line, &ops, NULL, 39, IRQ_LEVEL_HIGH);
	cr_assert_eq(pl061_create(&line, &gpio), 0);
}

static void teardown(void)
{
	pl061_destroy(gpio);
}

TestSuite(pl061, .init = setup, .fini = teardown);

static uint32_t get(uint64_t reg)
{
	return (uint32_t)pl061_mmio_ops.read(gpio, reg, 4);
}

static void put(uint64_t reg, uint32_t val)
{
	pl061_mmio_ops.write(gpio, reg, 4, val);
}

static uint64_t data_at(unsigned int pins)
{
	return pins << 2;
}

Test(pl061, is_zero_at_reset)
{
	for (uint64_t reg = 0; reg < 0xfe0; reg += 4)
		cr_expect_eq(get(reg), 0, "0x%llx", (unsigned long long)reg);
	cr_expect_not(wire);
}

Test(pl061, reads_the_pins_that_the_address_names)
{
	for (unsigned int pin = 0; pin < PL061_PINS; pin += 2)
		pl061_set_input(gpio, pin, true);
	for (unsigned int pins = 0; pins < 256; pins++)
		cr_expect_eq(get(data_at(pins)), 0x55 & pins);
	pl061_set_input(gpio, 4, false);
	cr_expect_eq(get(DATA_ALL), 0x45);
}

Test(pl061, writes_the_outputs_that_the_address_names)
{
	put(DIR, 0xf0);
	cr_expect_eq(get(DIR), 0xf0);
	put(DATA_ALL, 0xff);
	cr_expect_eq(get(DATA_ALL), 0xf0, "inputs are not driven");
	put(data_at(0x30), 0);
	cr_expect_eq(get(DATA_ALL), 0xc0);
	put(data_at(0x1f), 0x15);
	cr_expect_eq(get(DATA_ALL), 0xd0);
	put(data_at(0), 0xff);
	cr_expect_eq(get(DATA_ALL), 0xd0);
}

/* Linux sets a pin again once it is an output, because this is so. */
Test(pl061, what_was_written_to_an_input_is_not_kept)
{
	put(DATA_ALL, 0xff);
	put(DIR, 0xff);
	cr_expect_eq(get(DATA_ALL), 0);
}

Test(pl061, an_output_hides_the_pin_s_input)
{
	pl061_set_input(gpio, 1, true);
	put(DIR, 0x02);
	cr_expect_eq(get(DATA_ALL), 0);
	put(DIR, 0);
	cr_expect_eq(get(DATA_ALL), 0x02);
}

Test(pl061, rising_edge)
{
	put(IEV, 0x08);
	put(IE, 0x08);
	pl061_set_input(gpio, 3, true);
	cr_expect_eq(get(RIS), 0x08);
	cr_expect_eq(get(MIS), 0x08);
	cr_expect(wire);
	put(IC, 0x08);
	cr_expect_eq(get(RIS), 0);
	cr_expect_not(wire);
	pl061_set_input(gpio, 3, false);
	cr_expect_eq(get(RIS), 0);
	pl061_set_input(gpio, 3, true);
	cr_expect_eq(rises, 2);
}

Test(pl061, falling_edge)
{
	put(IE, 0x08);
	pl061_set_input(gpio, 3, true);
	cr_expect_eq(get(RIS), 0);
	pl061_set_input(gpio, 3, false);
	cr_expect_eq(get(RIS), 0x08);
	cr_expect(wire);
}

Test(pl061, both_edges_whatever_the_event_register_says)
{
	for (unsigned int iev = 0; iev < 2; iev++) {
		put(IBE, 0x01);
		put(IEV, iev);
		pl061_set_input(gpio, 0, true);
		cr_expect_eq(get(RIS), 0x01);
		put(IC, 0x01);
		pl061_set_input(gpio, 0, false);
		cr_expect_eq(get(RIS), 0x01);
		put(IC, 0xff);
	}
}

Test(pl061, an_edge_is_kept_until_cleared)
{
	put(IEV, 0xff);
	pl061_set_input(gpio, 2, true);
	pl061_set_input(gpio, 2, false);
	pl061_set_input(gpio, 5, true);
	cr_expect_eq(get(RIS), 0x24);
	put(IC, 0x04);
	cr_expect_eq(get(RIS), 0x20);
}

Test(pl061, no_edge_without_a_change)
{
	put(IBE, 0xff);
	pl061_set_input(gpio, 6, false);
	cr_expect_eq(get(RIS), 0);
	pl061_set_input(gpio, 6, true);
	put(IC, 0x40);
	pl061_set_input(gpio, 6, true);
	cr_expect_eq(get(RIS), 0);
}

Test(pl061, a_high_level_lasts_and_cannot_be_cleared)
{
	put(IS, 0x08);
	put(IEV, 0xff);
	put(IE, 0x08);
	pl061_set_input(gpio, 3, true);
	cr_expect(wire);
	put(IC, 0x08);
	cr_expect_eq(get(MIS), 0x08);
	cr_expect(wire);
	pl061_set_input(gpio, 3, false);
	cr_expect_eq(get(RIS), 0);
	cr_expect_not(wire);
}

Test(pl061, a_low_level)
{
	put(IS, 0x80);
	cr_expect_eq(get(RIS), 0x80);
	pl061_set_input(gpio, 7, true);
	cr_expect_eq(get(RIS), 0);
	pl061_set_input(gpio, 7, false);
	cr_expect_eq(get(RIS), 0x80);
	cr_expect_not(wire);
	put(IE, 0x80);
	cr_expect(wire);
}

/* An edge that came while a pin was of the level kind is none. */
Test(pl061, level_pins_keep_no_edges)
{
	put(IS, 0x08);
	put(IEV, 0x08);
	pl061_set_input(gpio, 3, true);
	put(IS, 0);
	cr_expect_eq(get(RIS), 0);
}

Test(pl061, outputs_raise_nothing)
{
	put(DIR, 0xff);
	put(IBE, 0xff);
	put(IE, 0xff);
	pl061_set_input(gpio, 3, true);
	put(DATA_ALL, 0xff);
	put(IS, 0xff);
	cr_expect_eq(get(RIS), 0);
	cr_expect_not(wire);
}

Test(pl061, the_mask_hides_and_shows)
{
	put(IEV, 0xff);
	pl061_set_input(gpio, 3, true);
	cr_expect_eq(get(RIS), 0x08);
	cr_expect_eq(get(MIS), 0);
	cr_expect_not(wire);
	put(IE, 0x18);
	cr_expect_eq(get(MIS), 0x08);
	cr_expect(wire);
	put(IE, 0x10);
	cr_expect_not(wire);
	cr_expect_eq(get(RIS), 0x08);
}

/* The line falls with the last pin. */
Test(pl061, all_pins_share_the_line)
{
	put(IEV, 0xff);
	put(IE, 0xff);
	pl061_set_input(gpio, 0, true);
	pl061_set_input(gpio, 7, true);
	put(IC, 0x01);
	cr_expect(wire);
	put(IC, 0x80);
	cr_expect_not(wire);
	cr_expect_eq(rises, 1);
}

Test(pl061, keeps_what_is_written_and_8_bits_of_it)
{
	static const uint64_t regs[] = { DIR, IS, IBE, IEV, IE, AFSEL };

	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		put(regs[i], 0xffffffa5);
		cr_expect_eq(get(regs[i]), 0xa5);
		put(regs[i], 0);
		cr_expect_eq(get(regs[i]), 0);
	}
}

Test(pl061, does_not_write_what_is_read_only)
{
	put(RIS, 0xff);
	put(MIS, 0xff);
	cr_expect_eq(get(RIS) | get(MIS), 0);
	cr_expect_eq(get(IC), 0);
	put(0xfe0, 0);
	cr_expect_eq(get(0xfe0), 0x61);
}

Test(pl061, identifies_itself)
{
	static const uint8_t ids[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(get(0xfe0 + 4 * i), ids[i]);
}

Test(pl061, tells_who_watches_what_the_guest_saw)
{
	pl061_watch(gpio, sampled, &line);
	get(DATA_ALL);
	cr_expect_eq(nr_seen, 0, "no pin is high");
	pl061_set_input(gpio, 3, true);
	pl061_set_input(gpio, 4, true);
	get(data_at(0xf7));
	cr_expect_eq(nr_seen, 1);
	cr_expect_eq(seen, 0x10);
	get(RIS);
	get(data_at(0x27));
	cr_expect_eq(nr_seen, 1, "another pin, another register");
	get(data_at(0x08));
	cr_expect_eq(seen, 0x08);
	put(DIR, 0x18);
	get(DATA_ALL);
	cr_expect_eq(nr_seen, 2, "outputs");
}

Test(pl061, takes_any_access)
{
	for (unsigned int len = 1; len <= 8; len *= 2) {
		for (uint64_t offset = 0; offset + len <= PL061_SIZE; offset++) {
			pl061_mmio_ops.read(gpio, offset, len);
			pl061_mmio_ops.write(gpio, offset, len, 0xa5a5a5a5a5a5a5a5);
		}
	}
	cr_expect_eq(get(DIR), 0xa5);
	cr_expect_eq(pl061_mmio_ops.read(gpio, DIR + 1, 1), 0);
	pl061_mmio_ops.write(gpio, DIR + 1, 1, 0xff);
	cr_expect_eq(get(DIR), 0xa5);
	pl061_destroy(NULL);
}
