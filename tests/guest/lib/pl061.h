/* SPDX-License-Identifier: Apache-2.0 */
/* PL061 general purpose I/O registers (Arm DDI0190). */
#ifndef GUEST_PL061_H
#define GUEST_PL061_H

#include "map.h"

#define GPIODATA(pins) (GPIO_BASE + ((pins) << 2)) /* address bits 9:2 are a mask */
#define GPIODIR	       (GPIO_BASE + 0x400)
#define GPIOIS	       (GPIO_BASE + 0x404) /* 1: level */
#define GPIOIBE	       (GPIO_BASE + 0x408) /* 1: both edges */
#define GPIOIEV	       (GPIO_BASE + 0x40c) /* 1: rising or high */
#define GPIOIE	       (GPIO_BASE + 0x410)
#define GPIORIS	       (GPIO_BASE + 0x414)
#define GPIOMIS	       (GPIO_BASE + 0x418)
#define GPIOIC	       (GPIO_BASE + 0x41c)
#define GPIOAFSEL      (GPIO_BASE + 0x420)
#define GPIOPERIPHID0  (GPIO_BASE + 0xfe0)
#define GPIOPCELLID0   (GPIO_BASE + 0xff0)

#define PIN_POWER (1U << 3)

#endif
