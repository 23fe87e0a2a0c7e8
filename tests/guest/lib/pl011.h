/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 UART registers (Arm DDI0183). */
#ifndef GUEST_PL011_H
#define GUEST_PL011_H

#include "map.h"

#define UARTDR	      (UART_BASE + 0x000)
#define UARTFR	      (UART_BASE + 0x018)
#define UARTIBRD      (UART_BASE + 0x024) /* 16 bits */
#define UARTFBRD      (UART_BASE + 0x028) /* 6 bits */
#define UARTLCR_H     (UART_BASE + 0x02c)
#define UARTCR	      (UART_BASE + 0x030)
#define UARTIFLS      (UART_BASE + 0x034)
#define UARTIMSC      (UART_BASE + 0x038) /* 11 bits */
#define UARTRIS	      (UART_BASE + 0x03c)
#define UARTMIS	      (UART_BASE + 0x040)
#define UARTICR	      (UART_BASE + 0x044)
#define UARTPERIPHID0 (UART_BASE + 0xfe0)
#define UARTPCELLID0  (UART_BASE + 0xff0)

#define UARTFR_RXFE (1U << 4) /* receive FIFO empty */
#define UARTFR_TXFF (1U << 5) /* transmit FIFO full */

#define UARTLCR_H_FEN	 (1U << 4) /* FIFOs enabled */
#define UARTLCR_H_WLEN_8 (3U << 5)
#define UARTCR_UARTEN	 (1U << 0)
#define UARTCR_TXE	 (1U << 8)
#define UARTCR_RXE	 (1U << 9)

/* The same bit in UARTIMSC, UARTRIS, UARTMIS and UARTICR. */
#define UART_INT_RX  (1U << 4)
#define UART_INT_TX  (1U << 5)
#define UART_INT_RT  (1U << 6) /* receive timeout */
#define UART_INT_ALL 0x7ffU

#endif
