/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 interrupts (Arm DDI0183): TX when the FIFO has room, RX (or RX timeout) when bytes
 * came, each only while its mask bit is set. Prints `echo ready`, echoes what it receives up to and
 * with the first 'q', then ends.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "map.h"
#include "mmio.h"
#include "pl011.h"
#include "timer.h"

#define UART_INT_RECEIVE (UART_INT_RX | UART_INT_RT)
#define TIMEOUT_MS	 30000U

static volatile unsigned int tx_irqs, rx_irqs, strays;
static volatile unsigned int bytes, errors, sum;
static volatile bool quit, timed_out;

static void receive(void)
{
	while (!(mmio_read32(UARTFR) & UARTFR_RXFE) && !quit) {
		uint32_t data = mmio_read32(UARTDR);

		if (data & ~0xffU)
			errors++;
		bytes++;
		sum += data & 0xff;
		put_char((char)data);
		quit = (data & 0xff) == 'q';
	}
}

static void on_uart(void)
{
	uint32_t mis = mmio_read32(UARTMIS);

	if (!mis)
		strays++;
	mmio_write32(UARTICR, mis);
	if (mis & UART_INT_TX) {
		tx_irqs++;
		mmio_write32(UARTIMSC, mmio_read32(UARTIMSC) & ~UART_INT_TX);
	}
	if (mis & UART_INT_RECEIVE) {
		rx_irqs++;
		receive();
	}
}

static void on_irq(unsigned int intid)
{
	if (intid == INTID_UART) {
		on_uart();
	} else if (intid == INTID_VTIMER) {
		timed_out = true;
		vtimer_stop();
	} else {
		strays++;
	}
}

static void check_tx(void)
{
	mmio_write32(UARTIMSC, 0);
	mmio_write32(UARTICR, UART_INT_ALL);
	check_eq(mmio_read32(UARTRIS) & UART_INT_TX, 0, "TX: not raised before anything is sent");

	/* More than half a FIFO: the interrupt comes with the fall through the trigger level. */
	print("# 0123456789abcdefghijklmnopqrstuvwxyz\n");
	check(wait_until(mmio_read32(UARTRIS) & UART_INT_TX, 1000), "TX: raised");
	check_eq(mmio_read32(UARTMIS), 0, "TX: masked");
	check_eq(tx_irqs, 0, "TX: no interrupt while masked");

	mmio_write32(UARTIMSC, UART_INT_TX);
	check(wait_until(tx_irqs, 1000), "TX: interrupt taken");
	(void)wait_until(false, 10);
	check_eq(tx_irqs, 1, "TX: interrupt taken once");
}

static void check_rx(void)
{
	print("echo ready\n");
	if (!check(wait_until(!(mmio_read32(UARTFR) & UARTFR_RXFE), TIMEOUT_MS),
		   "RX: FIFO not empty"))
		return;
	check(wait_until(mmio_read32(UARTRIS) & UART_INT_RECEIVE, 1000), "RX: raised");
	check_eq(mmio_read32(UARTMIS) & UART_INT_RECEIVE, 0, "RX: masked");
	check_eq(rx_irqs, 0, "RX: no interrupt while masked");

	irq_disable();
	vtimer_arm(TIMEOUT_MS);
	mmio_write32(UARTIMSC, UART_INT_RECEIVE);
	while (!quit && !timed_out) {
		wfi();
		irq_enable();
		irq_disable();
	}
	mmio_write32(UARTIMSC, 0);
	put_char('\n');

	note("%u bytes, sum 0x%x, %u interrupts", bytes, sum, rx_irqs);
	check(quit, "RX: received up to q");
	check(rx_irqs > 0, "RX: interrupt taken");
	check_eq(errors, 0, "RX: no error flags");
}

void guest_main(void)
{
	gic_init(on_irq);
	gic_enable(INTID_UART);
	gic_enable(INTID_VTIMER);
	mmio_write32(UARTCR, 0);
	mmio_write32(UARTLCR_H, UARTLCR_H_FEN | UARTLCR_H_WLEN_8);
	mmio_write32(UARTIFLS, 0); /* trigger at 1/8 for both */
	mmio_write32(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
	irq_enable();

	check_tx();
	check_rx();
	check_eq(strays, 0, "no stray interrupt");
}
