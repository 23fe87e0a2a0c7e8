/* SPDX-License-Identifier: Apache-2.0 */
/* PL011: registers, FIFOs and accesses. */
#include <criterion/criterion.h>

#include "uart.h"

TestSuite(pl011, .init = uart_init, .fini = uart_fini, .timeout = 60);
TestSuite(pl011_alone, .init = uart_init_unconnected, .fini = uart_fini, .timeout = 60);

Test(pl011_alone, registers_have_their_reset_values)
{
	cr_expect_eq(uart_read(UARTRSR), 0);
	cr_expect_eq(uart_read(UARTFR), FR_TXFE | FR_RXFE | FR_DCD | FR_DSR | FR_CTS);
	cr_expect_eq(uart_read(UARTILPR), 0);
	cr_expect_eq(uart_read(UARTIBRD), 0);
	cr_expect_eq(uart_read(UARTFBRD), 0);
	cr_expect_eq(uart_read(UARTLCR_H), 0);
	cr_expect_eq(uart_read(UARTCR), 0x300);
	cr_expect_eq(uart_read(UARTIFLS), 0x12);
	cr_expect_eq(uart_read(UARTIMSC), 0);
	cr_expect_eq(uart_read(UARTRIS), 0);
	cr_expect_eq(uart_read(UARTMIS), 0);
	cr_expect_eq(uart_read(UARTDMACR), 0);
	cr_expect_not(uart.wire);
}

Test(pl011_alone, registers_keep_the_bits_that_they_have)
{
	static const struct {
		uint32_t offset, mask;
	} regs[] = {
		{ UARTILPR, 0xff }, { UARTIBRD, 0xffff }, { UARTFBRD, 0x3f },  { UARTLCR_H, 0xff },
		{ UARTCR, 0xff87 }, { UARTIFLS, 0x3f },	  { UARTIMSC, 0x7ff }, { UARTDMACR, 0x7 },
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		uart_write(regs[i].offset, UINT32_MAX);
		cr_expect_eq(uart_read(regs[i].offset), regs[i].mask, "0x%x", regs[i].offset);
		uart_write(regs[i].offset, 0);
		cr_expect_eq(uart_read(regs[i].offset), 0, "0x%x", regs[i].offset);
	}
}

Test(pl011_alone, read_only_registers_ignore_writes)
{
	static const uint32_t offsets[] = { UARTRSR, UARTFR, UARTRIS, UARTMIS, UARTICR, UARTID };

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint32_t before = uart_read(offsets[i]);

		uart_write(offsets[i], UINT32_MAX);
		cr_expect_eq(uart_read(offsets[i]), before, "0x%x", offsets[i]);
	}
}

/* As Linux's AMBA bus reads them: PL011 of Arm, revision 3 (r1p5), PrimeCell. */
Test(pl011_alone, says_who_it_is)
{
	uint32_t periph = 0, cell = 0;

	for (unsigned int i = 0; i < 4; i++) {
		periph |= uart_read(UARTID + 4 * i) << (8 * i);
		cell |= uart_read(UARTID + 16 + 4 * i) << (8 * i);
	}
	cr_expect_eq(periph, 0x00341011);
	cr_expect_eq(cell, 0xb105f00d);
}

Test(pl011_alone, nothing_answers_between_the_registers)
{
	for (uint64_t offset = UARTDMACR + 4; offset < UARTID; offset += 4) {
		uart_write(offset, UINT32_MAX);
		cr_assert_eq(uart_read(offset), 0, "0x%lx", (unsigned long)offset);
	}
}

static uint64_t read_len(uint64_t offset, unsigned int len)
{
	return pl011_mmio_ops.read(uart.pl011, offset, len);
}

Test(pl011_alone, narrow_reads_see_their_part)
{
	uart_write(UARTIBRD, 0x1234);
	cr_expect_eq(read_len(UARTIBRD, 1) & 0xff, 0x34);
	cr_expect_eq(read_len(UARTIBRD + 1, 1) & 0xff, 0x12);
	cr_expect_eq(read_len(UARTIBRD + 2, 2) & 0xffff, 0);
	cr_expect_eq(read_len(UARTIBRD, 8) & 0xffffffff, 0x1234);
}

Test(pl011_alone, odd_accesses_harm_nothing)
{
	for (uint64_t offset = 0; offset < PL011_SIZE; offset++) {
		for (unsigned int len = 1; len <= 8 && offset + len <= PL011_SIZE; len *= 2) {
			if (offset & 3)
				pl011_mmio_ops.write(uart.pl011, offset, len, UINT64_MAX);
			read_len(offset, len);
		}
	}
	cr_expect_eq(uart_read(UARTCR), 0x300);
	cr_expect_eq(uart_read(UARTIMSC), 0);
}

Test(pl011_alone, without_a_console_output_vanishes)
{
	for (int i = 0; i < 100000; i++)
		uart_write(UARTDR, 'x');
	cr_expect_eq(uart_read(UARTFR) & (FR_TXFE | FR_TXFF), FR_TXFE);
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_write(UARTLCR_H, 0);
}

Test(pl011, sends_what_is_written_to_dr)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uart_write(UARTDR, 0xffffff00 | byte);
		cr_assert_eq(uart_read(UARTFR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
	}
	uart_expect_sent(0, 256);
}

Test(pl011, a_byte_wide_store_to_dr_sends)
{
	pl011_mmio_ops.write(uart.pl011, UARTDR, 1, 7);
	uart_expect_sent(7, 1);
}

Test(pl011, receives_in_order)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_type(0x80, 20);
	for (uint32_t i = 0; i < 20; i++) {
		cr_expect_eq(uart_read(UARTFR) & FR_RXFE, 0);
		cr_expect_eq(uart_read(UARTDR), 0x80 + i);
	}
	cr_expect_eq(uart_read(UARTFR) & FR_RXFE, FR_RXFE);
	cr_expect_eq(uart_read(UARTDR), 0);
}

static unsigned int receive_until_empty(uint32_t first)
{
	unsigned int count = 0;

	while (!(uart_read(UARTFR) & FR_RXFE))
		cr_assert_eq(uart_read(UARTDR), (uint8_t)(first + count++));
	return count;
}

Test(pl011, the_receive_fifo_holds_32_and_the_rest_waits)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_type(0, 100);
	cr_expect_eq(uart_read(UARTFR) & FR_RXFF, FR_RXFF);
	cr_expect_eq(receive_until_empty(0), 32);
	uart_run_ready();
	cr_expect_eq(receive_until_empty(32), 32);
	uart_run_ready();
	cr_expect_eq(receive_until_empty(64), 32);
	uart_run_ready();
	cr_expect_eq(receive_until_empty(96), 4);
}

Test(pl011, without_fifos_one_byte_is_all)
{
	uart_type(0, 3);
	for (unsigned int i = 0; i < 3; i++) {
		cr_expect_eq(uart_read(UARTFR) & (FR_RXFF | FR_RXFE), FR_RXFF);
		cr_expect_eq(receive_until_empty(i), 1);
		uart_run_ready();
	}
	cr_expect_eq(uart_read(UARTFR) & FR_RXFE, FR_RXFE);
}

/* A guest that reads only part still gets more, before its FIFO has run dry. */
Test(pl011, half_an_empty_fifo_is_filled_again)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_type(0, 64);
	for (uint32_t i = 0; i < 16; i++)
		cr_assert_eq(uart_read(UARTDR), i);
	uart_run_ready();
	cr_expect_eq(uart_read(UARTFR) & FR_RXFF, FR_RXFF);
	cr_expect_eq(receive_until_empty(16), 32);
}

Test(pl011, turning_fifos_off_empties_them_and_input_goes_on)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_type(0, 40);
	uart_write(UARTLCR_H, 0);
	cr_expect_eq(uart_read(UARTFR) & FR_RXFE, FR_RXFE);
	cr_expect_eq(uart_read(UARTRIS) & (INT_RX | INT_RT), 0);
	uart_run_ready();
	cr_expect_eq(uart_read(UARTDR), 32);
}

Test(pl011, turning_fifos_on_keeps_the_byte_and_fetches_more)
{
	uart_type(0, 10);
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_run_ready();
	cr_expect_eq(receive_until_empty(0), 10);
}

Test(pl011, loopback_receives_what_is_sent)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_write(UARTCR, 0x300 | CR_LBE);
	for (uint32_t i = 0; i < 40; i++)
		uart_write(UARTDR, i);
	cr_expect_eq(uart_read(UARTFR) & FR_RXFF, FR_RXFF);
	cr_expect_eq(receive_until_empty(0), 32, "the last eight overran");
	uart_write(UARTCR, 0x300);
	uart_write(UARTDR, 99);
	uart_expect_sent(99, 1);
}

Test(pl011_alone, loopback_feeds_the_modem_lines)
{
	uart_write(UARTCR, 0x300 | CR_LBE);
	cr_expect_eq(uart_read(UARTFR) & (FR_RI | FR_DCD | FR_DSR | FR_CTS), 0);
	cr_expect_eq(uart_read(UARTRIS), 0xe, "CTS, DCD and DSR fell");
	uart_write(UARTICR, 0xf);
	uart_write(UARTCR, 0x300 | CR_LBE | 1u << 11);
	cr_expect_eq(uart_read(UARTFR) & 0x107, FR_CTS);
	cr_expect_eq(uart_read(UARTRIS), 0x2);
	uart_write(UARTCR, 0x300 | CR_LBE | 1u << 10);
	cr_expect_eq(uart_read(UARTFR) & 0x107, FR_DSR);
	uart_write(UARTCR, 0x300 | CR_LBE | 1u << 12);
	cr_expect_eq(uart_read(UARTFR) & 0x107, FR_DCD);
	uart_write(UARTICR, 0xf);
	uart_write(UARTCR, 0x300 | CR_LBE | 1u << 13);
	cr_expect_eq(uart_read(UARTFR) & 0x107, FR_RI);
	cr_expect_eq(uart_read(UARTRIS), 0x5);
}

Test(pl011, a_full_transmit_fifo_shows_and_loses_what_comes)
{
	size_t count;

	uart_write(UARTLCR_H, LCR_H_FEN);
	count = uart_send_until_full();
	cr_expect_geq(count, 65536 + 32);
	cr_expect_eq(uart_read(UARTFR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFF | FR_BUSY);
	uart_write(UARTDR, 0xee);
	uart_expect_sent(0, count);
	cr_expect_eq(uart_read(UARTFR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
	uart_write(UARTDR, 1);
	uart_expect_sent(1, 1);
}

Test(pl011, without_fifos_a_full_transmitter_holds_one_byte)
{
	size_t count = uart_send_until_full();

	uart_write(UARTDR, 0xee);
	uart_expect_sent(0, count);
	uart_run_ready();
	cr_expect_eq(uart_read(UARTFR) & (FR_TXFE | FR_TXFF), FR_TXFE);
}

Test(pl011, a_new_one_takes_over_the_console)
{
	uart_type(1, 1);
	pl011_destroy(uart.pl011);
	uart_type(2, 2);
	cr_assert_eq(pl011_create(uart.console, &uart.line, &uart.pl011), 0);
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_run_ready();
	cr_expect_eq(receive_until_empty(2), 2);
	uart_write(UARTDR, 5);
	uart_expect_sent(5, 1);
}

Test(pl011, destroying_nothing_is_fine)
{
	pl011_destroy(NULL);
}
