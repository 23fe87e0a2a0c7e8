/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL061 (Arm DDI0190) and the power button on its pin 3. Checks what needs no button, prints
 * `button ready`, then wants one press: an interrupt down, one up, none after, the pin seen high.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "mmio.h"
#include "pl061.h"
#include "timer.h"

#define TIMEOUT_MS 60000U
#define QUIET_MS   300U /* longer than the button is held */

static volatile unsigned int downs, ups, strays;
static volatile bool timed_out;

static void on_gpio(void)
{
	uint32_t mis = mmio_read32(GPIOMIS);

	mmio_write32(GPIOIC, mis);
	if (mis != PIN_POWER)
		strays++;
	else if (mmio_read32(GPIODATA(PIN_POWER)))
		downs++;
	else
		ups++;
}

static void on_irq(unsigned int intid)
{
	if (intid == INTID_GPIO) {
		on_gpio();
	} else if (intid == INTID_VTIMER) {
		timed_out = true;
		vtimer_stop();
	} else {
		strays++;
	}
}

static void check_pins(void)
{
	check_eq(mmio_read32(GPIODATA(0xffU)), 0, "pins are low");
	mmio_write32(GPIODIR, 0xf0);
	mmio_write32(GPIODATA(0xffU), 0xff);
	check_eq(mmio_read32(GPIODATA(0xffU)), 0xf0, "outputs keep what is written, inputs do not");
	mmio_write32(GPIODATA(0x30U), 0);
	check_eq(mmio_read32(GPIODATA(0xffU)), 0xc0, "the address masks a write");
	check_eq(mmio_read32(GPIODATA(0x80U)), 0x80, "the address masks a read");
	mmio_write32(GPIODIR, 0);
	mmio_write32(GPIOAFSEL, 0x1a5);
	check_eq(mmio_read32(GPIOAFSEL), 0xa5, "registers have 8 bits");
	mmio_write32(GPIOAFSEL, 0);
}

/* A pin that is low is an active level where GPIOIEV says so. */
static void check_level(void)
{
	mmio_write32(GPIOIS, 1);
	mmio_write32(GPIOIEV, 0);
	check_eq(mmio_read32(GPIORIS), 1, "low level: raised");
	check_eq(mmio_read32(GPIOMIS), 0, "low level: masked");
	mmio_write32(GPIOIC, 1);
	check_eq(mmio_read32(GPIORIS), 1, "low level: not cleared");
	mmio_write32(GPIOIEV, 1);
	check_eq(mmio_read32(GPIORIS), 0, "high level: not raised");
	mmio_write32(GPIOIS, 0);
}

static void wait_quiet(unsigned int ms)
{
	timed_out = false;
	vtimer_arm(ms);
	while (!timed_out) {
		wfi();
		irq_enable();
		irq_disable();
	}
}

static void check_button(void)
{
	irq_disable();
	mmio_write32(GPIOIBE, PIN_POWER);
	mmio_write32(GPIOIE, PIN_POWER);
	vtimer_arm(TIMEOUT_MS);
	print("button ready\n");
	while (!ups && !timed_out) {
		wfi();
		irq_enable();
		irq_disable();
	}
	check(!timed_out, "the button was pressed and released");
	wait_quiet(QUIET_MS);
	check_eq(downs, 1, "down once");
	check_eq(ups, 1, "up once");
}

void guest_main(void)
{
	gic_init(on_irq);
	gic_enable(INTID_GPIO);
	gic_enable(INTID_VTIMER);
	check_pins();
	check_level();
	check_button();
	check_eq(strays, 0, "no stray interrupt");
}
