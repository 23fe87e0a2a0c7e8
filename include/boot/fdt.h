/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's device tree, written with libfdt (Devicetree Specification 0.4; bindings as in
 * Linux Documentation/devicetree/bindings). libfdt is known to src/boot/fdt* alone.
 */
#ifndef ARCVISOR_BOOT_FDT_H
#define ARCVISOR_BOOT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/caches.h"
#include "boot/layout.h"
#include "irq/irq.h"
#include "mem/gmem.h"

#define FDT_MAX_SIZE 0x200000u /* a device tree is at most 2 MiB (booting.rst) */

struct fdt_redist {
	gpa_t base;
	uint64_t size;
};

struct fdt_virtio {
	gpa_t base;
	uint64_t size;
	const struct irq_line *line;
};

struct fdt_config {
	unsigned int nr_cpus;
	const struct caches *caches; /* of each CPU; may be NULL */
	bool psci_smc;		     /* conduit: SMC, else HVC */
	const struct gmem *mem;

	bool gic_v2; /* else GICv3 */
	gpa_t gicd_base;
	uint64_t gicd_size;
	gpa_t gicc_base; /* GICv2 */
	uint64_t gicc_size;
	unsigned int nr_redist; /* GICv3 */
	struct fdt_redist redist[BACKEND_MAX_REDIST_REGIONS];
	gpa_t its_base; /* GICv3; 0: no ITS */
	uint64_t its_size;

	bool has_pmu;  /* PMUv3, its overflow on LAYOUT_PMU_PPI */
	bool has_uart; /* then it is stdout-path */
	gpa_t uart_base;
	uint64_t uart_size;
	unsigned int uart_intid;
	enum irq_trigger uart_trigger;

	bool has_rtc;
	gpa_t rtc_base;
	uint64_t rtc_size;

	bool has_gpio; /* a PL061 with a power button on LAYOUT_POWER_PIN */
	gpa_t gpio_base;
	uint64_t gpio_size;
	unsigned int gpio_intid;

	bool has_watchdog; /* a generic watchdog of Arm's */
	gpa_t watchdog_control, watchdog_refresh;
	uint64_t watchdog_size; /* of each frame */
	unsigned int watchdog_intid;

	unsigned int nr_virtio; /* virtio-mmio windows */
	struct fdt_virtio virtio[LAYOUT_VIRTIO_SLOTS];

	gpa_t hvc_base; /* docs/abi-hvc-blk.md */
	uint64_t hvc_size;
	const struct irq_line *hvc_lines; /* one a CPU; NULL: no such node */

	const char *cmdline; /* may be NULL */
	gpa_t initrd_base;
	uint64_t initrd_size; /* 0: none */
	const uint8_t *seed;  /* 8 bytes kaslr-seed, then 32 bytes rng-seed; NULL: none */
};

#define FDT_SEED_SIZE 40

/*
 * Writes the tree into @buf of @size bytes, 8-byte aligned (Devicetree Specification 5.2); how
 * many it has in *@used (the blob's totalsize). What follows them in @buf is not zeroed.
 * 0, -ENOSPC where @size is too small, or -EINVAL where libfdt refuses.
 */
int fdt_build(const struct fdt_config *config, void *buf, size_t size, size_t *used);

#endif
