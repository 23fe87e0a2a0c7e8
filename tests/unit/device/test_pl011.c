/* SPDX-License-Identifier: Apache-2.0 */
/* PL011: registers, interrupts, and what drivers rely on (Arm DDI0183). */
#include <criterion/criterion.h>
#include <unistd.h>

#include "board.h"

TestSuite(pl011, .init = board_init, .fini = board_fini);

static void enable(uint32_t interrupts)
{
	put(LCR_H, LCR_H_FEN);
	put(CR, UART_ON);
	put(IMSC, interrupts);
}

/* Has @len bytes in the receive FIFO, by loopback: no loop is needed. */
static void receive(unsigned int len)
{
	put(CR, UART_ON | CR_LBE);
	for (unsigned int i = 0; i < len; i++)
		put(DR, 'A' + i);
	put(CR, UART_ON);
	put(ICR, INT_TX);
}

Test(pl011, has_its_reset_values)
{
	cr_expect_eq(get(FR), FR_TXFE | FR_RXFE | FR_CTS | FR_DSR | FR_DCD);
	cr_expect_eq(get(CR), 0x300);
	cr_expect_eq(get(IFLS), 0x12);
	for (uint64_t reg = 0; reg < 0x50; reg += 4)
		if (reg != FR && reg != CR && reg != IFLS)
			cr_expect_eq(get(reg), 0, "0x%lx", (unsigned long)reg);
	cr_expect_not(line_is_high());
}

Test(pl011, identifies_itself)
{
	static const uint8_t ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(get(0xfe0 + 4 * i), ids[i]);
}

Test(pl011, keeps_the_bits_that_registers_have)
{
	static const struct {
		uint64_t reg;
		uint32_t bits;
	} regs[] = {
		{ ILPR, 0xff }, { IBRD, 0xffff }, { FBRD, 0x3f },  { LCR_H, 0xff },
		{ CR, 0xff87 }, { IFLS, 0x3f },	  { IMSC, 0x7ff }, { DMACR, 0x7 },
	};

	for (unsigned int i = 0; i < 8; i++) {
		put(regs[i].reg, 0xffffffff);
		cr_expect_eq(get(regs[i].reg), regs[i].bits, "0x%lx", (unsigned long)regs[i].reg);
		put(regs[i].reg, 0);
		cr_expect_eq(get(regs[i].reg), 0, "0x%lx", (unsigned long)regs[i].reg);
	}
}

Test(pl011, ignores_writes_where_nothing_can_be_written)
{
	static const uint64_t regs[] = { FR, RIS, MIS, 0x08, 0x1c, 0x4c, 0x100, 0xfe0, 0xffc };

	for (unsigned int i = 0; i < 9; i++) {
		uint32_t before = get(regs[i]);

		put(regs[i], ~before);
		cr_expect_eq(get(regs[i]), before, "0x%lx", (unsigned long)regs[i]);
	}
	cr_expect_not(line_is_high());
}

Test(pl011, holes_read_zero)
{
	for (uint64_t reg = 0x4c; reg < 0xfe0; reg += 4)
		cr_expect_eq(get(reg), 0);
}

/* Any byte of the page, any width, read and written: nothing of it may be out of bounds. */
Test(pl011, takes_any_access)
{
	for (unsigned int len = 1; len <= 8; len *= 2) {
		for (uint64_t offset = 0; offset + len <= PL011_SIZE; offset++) {
			pl011_mmio_ops.read(uart, offset, len);
			pl011_mmio_ops.write(uart, offset, len, 0xa5a5a5a5a5a5a5a5);
		}
	}
	put(CR, 0);
	put(IMSC, 0);
	cr_expect_eq(get(0xfe0), 0x11);
}

Test(pl011, narrow_reads_see_their_bytes_of_a_register)
{
	put(IBRD, 0x8765);
	cr_expect_eq(pl011_mmio_ops.read(uart, IBRD, 1) & 0xff, 0x65);
	cr_expect_eq(pl011_mmio_ops.read(uart, IBRD + 1, 1) & 0xff, 0x87);
	cr_expect_eq(pl011_mmio_ops.read(uart, IBRD + 2, 2) & 0xffff, 0);
	cr_expect_eq(pl011_mmio_ops.read(uart, IBRD, 2) & 0xffff, 0x8765);
	cr_expect_eq(pl011_mmio_ops.read(uart, IBRD, 8), 0x8765);
}

Test(pl011, narrow_writes_are_zero_extended_and_wide_ones_cut)
{
	pl011_mmio_ops.write(uart, IBRD, 1, 0x1234);
	cr_expect_eq(get(IBRD), 0x34);
	pl011_mmio_ops.write(uart, IBRD, 2, 0xabcd1234);
	cr_expect_eq(get(IBRD), 0x1234);
	pl011_mmio_ops.write(uart, IMSC, 8, 0xffffffff00000123);
	cr_expect_eq(get(IMSC), 0x123);
	pl011_mmio_ops.write(uart, IBRD + 1, 1, 0xff);
	cr_expect_eq(get(IBRD), 0x1234);
}

/* The flags beside a byte may be read without taking it. */
Test(pl011, only_the_low_byte_of_the_data_register_takes_a_byte)
{
	enable(0);
	receive(2);
	cr_expect_eq(pl011_mmio_ops.read(uart, DR + 1, 1) & 0xff, 0);
	cr_expect_eq(pl011_mmio_ops.read(uart, DR, 1) & 0xff, 'A');
	cr_expect_eq(pl011_mmio_ops.read(uart, DR, 2) & 0xffff, 'B');
	cr_expect(get(FR) & FR_RXFE);
}

/* earlycon writes before anybody has enabled the UART. */
Test(pl011, sends_whether_enabled_or_not)
{
	board_run();
	put(CR, 0);
	put(DR, 'a');
	enable(0);
	put(DR, 'b');
	pl011_mmio_ops.write(uart, DR, 1, 'c');
	expect_shown("abc");
}

Test(pl011, receive_interrupt_comes_with_the_level)
{
	static const unsigned int levels[] = { 4, 8, 16, 24, 28 };

	enable(INT_RX);
	for (uint32_t select = 0; select < 5; select++) {
		put(IFLS, select << 3);
		receive(levels[select] - 1);
		cr_expect_eq(get(RIS) & INT_RX, 0, "level %u", select);
		cr_expect_not(line_is_high());
		receive(1);
		cr_expect(get(RIS) & INT_RX, "level %u", select);
		cr_expect(line_is_high());
		get(DR);
		cr_expect_eq(get(RIS) & INT_RX, 0, "level %u", select);
		cr_expect_not(line_is_high());
		while (!(get(FR) & FR_RXFE))
			get(DR);
	}
}

Test(pl011, receive_timeout_comes_with_the_first_byte_and_goes_with_the_last)
{
	enable(INT_RT);
	receive(2);
	cr_expect_eq(get(MIS), INT_RT);
	cr_expect(line_is_high());
	cr_expect_eq(get(DR), 'A');
	cr_expect(line_is_high());
	cr_expect_eq(get(DR), 'B');
	cr_expect_eq(get(RIS) & INT_RT, 0);
	cr_expect_not(line_is_high());
	cr_expect_eq(get(DR), 0);
}

Test(pl011, interrupts_are_cleared_until_they_come_anew)
{
	enable(INT_RT | INT_RX);
	put(IFLS, 0);
	receive(5);
	cr_expect_eq(get(MIS), INT_RT | INT_RX);
	put(ICR, INT_RX);
	cr_expect_eq(get(MIS), INT_RT);
	put(ICR, INT_RT);
	cr_expect_eq(get(RIS), 0);
	cr_expect_not(line_is_high());
	receive(1);
	cr_expect_eq(get(MIS), INT_RT | INT_RX);
	cr_expect(line_is_high());
}

Test(pl011, the_mask_decides_the_line)
{
	enable(0);
	receive(1);
	cr_expect_eq(get(MIS), 0);
	cr_expect_not(line_is_high());
	put(IMSC, INT_RT);
	cr_expect_eq(get(MIS), INT_RT);
	cr_expect(line_is_high());
	put(IMSC, 0);
	cr_expect_not(line_is_high());
}

Test(pl011, the_fifo_holds_32_bytes)
{
	enable(0);
	receive(31);
	cr_expect_eq(get(FR) & (FR_RXFF | FR_RXFE), 0);
	receive(1);
	cr_expect_eq(get(FR) & (FR_RXFF | FR_RXFE), FR_RXFF);
}

Test(pl011, a_fifo_that_is_off_holds_one_byte)
{
	put(CR, UART_ON);
	receive(1);
	cr_expect_eq(get(FR) & (FR_RXFF | FR_RXFE), FR_RXFF);
	cr_expect_eq(get(RIS), INT_RX | INT_RT);
	cr_expect_eq(get(DR), 'A');
	cr_expect_eq(get(RIS), 0);
}

Test(pl011, loopback_says_what_did_not_fit)
{
	enable(INT_OE);
	receive(33);
	cr_expect_eq(get(RSR), 0x8);
	cr_expect(line_is_high());
	put(RSR, 0);
	put(ICR, INT_OE);
	cr_expect_eq(get(RSR), 0);
	cr_expect_not(line_is_high());
	for (unsigned int i = 0; i < 32; i++)
		cr_expect_eq(get(DR), 'A' + i);
	cr_expect(get(FR) & FR_RXFE);
}

Test(pl011, loopback_is_seen_by_nobody_else)
{
	enable(0);
	receive(5);
	board_run();
	put(DR, '!');
	expect_shown("!");
}

Test(pl011, loopback_ties_modem_outputs_to_inputs)
{
	put(CR, CR_LBE);
	cr_expect_eq(get(FR) & FR_MODEM, 0);
	put(CR, CR_LBE | 0x800);
	cr_expect_eq(get(FR) & FR_MODEM, FR_CTS);
	put(CR, CR_LBE | 0x400);
	cr_expect_eq(get(FR) & FR_MODEM, FR_DSR);
	put(CR, CR_LBE | 0x1000);
	cr_expect_eq(get(FR) & FR_MODEM, FR_DCD);
	put(CR, CR_LBE | 0x2000);
	cr_expect_eq(get(FR) & FR_MODEM, FR_RI);
}

Test(pl011, turning_the_fifos_on_or_off_empties_them)
{
	enable(INT_RT | INT_RX);
	receive(20);
	put(LCR_H, LCR_H_FEN | 0x60);
	cr_expect_eq(get(FR) & FR_RXFE, 0);
	put(LCR_H, 0x60);
	cr_expect(get(FR) & FR_RXFE);
	cr_expect_eq(get(RIS), 0);
	cr_expect_not(line_is_high());
}

Test(pl011, works_without_a_console)
{
	struct pl011 *lonely;
	struct irq_line line;

	irq_line_init(&line, NULL, NULL, 33, IRQ_LEVEL_HIGH);
	cr_assert_eq(pl011_create(NULL, &line, &lonely), 0);
	for (unsigned int i = 0; i < 200000; i++)
		pl011_mmio_ops.write(lonely, DR, 4, 'x');
	cr_expect_eq(pl011_mmio_ops.read(lonely, FR, 4) & (FR_TXFF | FR_TXFE | FR_BUSY), FR_TXFE);
	cr_expect(pl011_mmio_ops.read(lonely, RIS, 4) & INT_TX);
	cr_expect_eq(pl011_mmio_ops.read(lonely, DR, 4), 0);
	pl011_destroy(lonely);
	pl011_destroy(NULL);
}
