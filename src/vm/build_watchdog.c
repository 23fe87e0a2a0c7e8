/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the watchdog: two frames and an interrupt line. */
#include <string.h>

#include "base/log.h"
#include "boot/layout.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the watchdog: %s", strerror(-error));
	return error;
}

int watchdog_build(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	unsigned int intid = GIC_SPI_BASE + LAYOUT_WDT_SPI;
	const struct watchdog_config config = {
		.loop = parts->loop,
		.line = &guest->watchdog_line,
		.hz = parts->counter_hz,
		.expired = parts->watchdog_expired,
		.ctx = parts->vm,
	};
	int ret;

	if (parts->config->watchdog == VM_WATCHDOG_OFF)
		return 0;
	ret = irq_claim(&guest->irqs, intid);
	irq_line_init(&guest->watchdog_line, parts->ops, guest->vm, intid, IRQ_LEVEL_HIGH);
	if (ret == 0)
		ret = watchdog_create(&config, &guest->watchdog);
	if (ret == 0)
		ret = mmio_map_add(&guest->mmio, LAYOUT_WDT_BASE, WATCHDOG_FRAME_SIZE,
				   "watchdog refresh", &watchdog_refresh_ops, guest->watchdog);
	if (ret == 0)
		ret = mmio_map_add(&guest->mmio, LAYOUT_WDT_CTRL, WATCHDOG_FRAME_SIZE,
				   "watchdog control", &watchdog_control_ops, guest->watchdog);
	return ret < 0 ? failed(ret) : 0;
}

void watchdog_fini(struct guest *guest)
{
	if (!guest->watchdog)
		return;
	watchdog_destroy(guest->watchdog);
	irq_line_fini(&guest->watchdog_line);
}

void watchdog_describe(const struct guest *guest, struct fdt_config *fdt)
{
	fdt->has_watchdog = guest->watchdog;
	fdt->watchdog_control = LAYOUT_WDT_CTRL;
	fdt->watchdog_refresh = LAYOUT_WDT_BASE;
	fdt->watchdog_size = WATCHDOG_FRAME_SIZE;
	fdt->watchdog_intid = guest->watchdog_line.intid;
}
