/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's device tree: one function a node, on libfdt's sequential writer. */
#include "boot/fdt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/util.h"
#include "boot/layout.h"
#include "fdt_writer.h"

#define PHANDLE_GIC   1u
#define PHANDLE_CLOCK 2u
#define PHANDLE_GPIO  3u
#define PHANDLE_ITS   4u

/* Cells of an interrupt specifier (Linux bindings, interrupt-controller/arm,gic-v3.yaml). */
#define GIC_CELL_SPI	    0u
#define GIC_CELL_PPI	    1u
#define GIC_CELL_EDGE_RISES 1u
#define GIC_CELL_LEVEL_HIGH 4u
#define GIC_CELL_LEVEL_LOW  8u

#define GPIO_CELL_ACTIVE_HIGH 0u   /* gpio/gpio.txt */
#define INPUT_KEY_POWER	      116u /* linux/input-event-codes.h */

#define APB_CLOCK_HZ 24000000u /* what Arm's own boards feed their PrimeCells */

/*
 * What a buffer is tried with first: fdt_create() clears all that it gets, and a tree for a few
 * CPUs uses a few KiB of the 2 MiB that a tree may have.
 */
#define FIRST_SIZE (16 * KIB)

/* Linux bindings, chosen.yaml (dt-schema). */
static void write_chosen(struct writer *w, const struct fdt_config *config)
{
	char path[NAME_SIZE + 1] = "/";

	begin(w, "chosen");
	if (config->cmdline)
		put_string(w, "bootargs", config->cmdline);
	if (config->has_uart) {
		node_name(path + 1, "serial", config->uart_base);
		put_string(w, "stdout-path", path);
	}
	if (config->initrd_size) {
		put_u64(w, "linux,initrd-start", config->initrd_base);
		put_u64(w, "linux,initrd-end", config->initrd_base + config->initrd_size);
	}
	if (config->seed) {
		put_bytes(w, "kaslr-seed", config->seed, 8);
		put_bytes(w, "rng-seed", config->seed + 8, FDT_SEED_SIZE - 8);
	}
	end(w);
}

static void write_memory(struct writer *w, const struct gmem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++) {
		begin_at(w, "memory", mem->regions[i].base, mem->regions[i].size);
		put_strings(w, "device_type", "memory");
		end(w);
	}
}

/* arm/psci.yaml. */
static void write_psci(struct writer *w, bool smc)
{
	begin(w, "psci");
	put_strings(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	put_string(w, "method", smc ? "smc" : "hvc");
	end(w);
}

/*
 * The third cell of a private interrupt's specifier. A GICv2's has a mask of the CPUs in bits 15:8
 * (arm,gic.yaml); a GICv3's has not.
 */
static uint32_t ppi_flags(const struct fdt_config *config, uint32_t trigger)
{
	return config->gic_v2 ? ((1u << config->nr_cpus) - 1) << 8 | trigger : trigger;
}

/* timer/arm,arch_timer.yaml; the order of the interrupts is the binding's. */
static void write_timer(struct writer *w, const struct fdt_config *config)
{
	const uint32_t flags = ppi_flags(config, GIC_CELL_LEVEL_LOW);
	const uint32_t interrupts[] = {
		GIC_CELL_PPI, LAYOUT_TIMER_SECURE_PPI, flags,
		GIC_CELL_PPI, LAYOUT_TIMER_PHYS_PPI,   flags,
		GIC_CELL_PPI, LAYOUT_TIMER_VIRT_PPI,   flags,
		GIC_CELL_PPI, LAYOUT_TIMER_HYP_PPI,    flags,
	};

	begin(w, "timer");
	put_strings(w, "compatible", "arm,armv8-timer");
	put_cells(w, "interrupts", interrupts, ARRAY_SIZE(interrupts));
	put_flag(w, "always-on");
	end(w);
}

/* arm/pmu.yaml. */
static void write_pmu(struct writer *w, const struct fdt_config *config)
{
	const uint32_t interrupt[] = {
		GIC_CELL_PPI,
		LAYOUT_PMU_PPI,
		ppi_flags(config, GIC_CELL_LEVEL_HIGH),
	};

	begin(w, "pmu");
	put_strings(w, "compatible", "arm,armv8-pmuv3");
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	end(w);
}

/* interrupt-controller/arm,gic.yaml. */
static void write_gic_v2(struct writer *w, const struct fdt_config *config)
{
	const uint64_t reg[] = { config->gicd_base, config->gicd_size, config->gicc_base,
				 config->gicc_size };

	put_reg(w, reg, ARRAY_SIZE(reg));
	put_strings(w, "compatible", "arm,cortex-a15-gic");
	put_u32(w, "#address-cells", 0);
}

/* A child of the GICv3's node, as its binding has it. */
static void write_its(struct writer *w, const struct fdt_config *config)
{
	begin_at(w, "msi-controller", config->its_base, config->its_size);
	put_strings(w, "compatible", "arm,gic-v3-its");
	put_u32(w, "phandle", PHANDLE_ITS);
	put_flag(w, "msi-controller");
	put_u32(w, "#msi-cells", 1);
	end(w);
}

/* interrupt-controller/arm,gic-v3.yaml. */
static void write_gic_v3(struct writer *w, const struct fdt_config *config)
{
	uint64_t reg[2 + 2 * BACKEND_MAX_REDIST_REGIONS] = { config->gicd_base, config->gicd_size };
	unsigned int i;

	for (i = 0; i < config->nr_redist; i++) {
		reg[2 + 2 * i] = config->redist[i].base;
		reg[3 + 2 * i] = config->redist[i].size;
	}
	put_reg(w, reg, 2 + 2 * (size_t)config->nr_redist);
	put_strings(w, "compatible", "arm,gic-v3");
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 2);
	put_flag(w, "ranges");
	if (config->nr_redist > 1)
		put_u32(w, "#redistributor-regions", config->nr_redist);
	if (config->its_base)
		write_its(w, config);
}

/* Properties before children: the kind's own part, which may end in one, comes last. */
static void write_gic(struct writer *w, const struct fdt_config *config)
{
	char name[NAME_SIZE];

	node_name(name, "interrupt-controller", config->gicd_base);
	begin(w, name);
	put_u32(w, "phandle", PHANDLE_GIC);
	put_flag(w, "interrupt-controller");
	put_u32(w, "#interrupt-cells", 3);
	if (config->gic_v2)
		write_gic_v2(w, config);
	else
		write_gic_v3(w, config);
	end(w);
}

/* clock/fixed-clock.yaml. Linux probes no PrimeCell without its bus clock. */
static void write_clock(struct writer *w)
{
	begin(w, "clock-24000000");
	put_strings(w, "compatible", "fixed-clock");
	put_u32(w, "phandle", PHANDLE_CLOCK);
	put_u32(w, "#clock-cells", 0);
	put_u32(w, "clock-frequency", APB_CLOCK_HZ);
	end(w);
}

/* serial/pl011.yaml. */
static void write_uart(struct writer *w, const struct fdt_config *config)
{
	const uint32_t interrupt[] = {
		GIC_CELL_SPI,
		config->uart_intid - GIC_SPI_BASE,
		config->uart_trigger == IRQ_LEVEL_HIGH ? GIC_CELL_LEVEL_HIGH : GIC_CELL_EDGE_RISES,
	};

	begin_at(w, "serial", config->uart_base, config->uart_size);
	put_strings(w, "compatible", "arm,pl011\0arm,primecell");
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	put_cells(w, "clocks", (const uint32_t[]){ PHANDLE_CLOCK, PHANDLE_CLOCK }, 2);
	put_strings(w, "clock-names", "uartclk\0apb_pclk");
	end(w);
}

/* rtc/arm,pl031.yaml. No interrupt: the device drives none. */
static void write_rtc(struct writer *w, const struct fdt_config *config)
{
	begin_at(w, "rtc", config->rtc_base, config->rtc_size);
	put_strings(w, "compatible", "arm,pl031\0arm,primecell");
	put_u32(w, "clocks", PHANDLE_CLOCK);
	put_strings(w, "clock-names", "apb_pclk");
	end(w);
}

/* gpio/pl061-gpio.yaml. Its interrupt is of the level kind, whatever its pins' are. */
static void write_gpio(struct writer *w, const struct fdt_config *config)
{
	const uint32_t interrupt[] = {
		GIC_CELL_SPI,
		config->gpio_intid - GIC_SPI_BASE,
		GIC_CELL_LEVEL_HIGH,
	};

	begin_at(w, "gpio", config->gpio_base, config->gpio_size);
	put_strings(w, "compatible", "arm,pl061\0arm,primecell");
	put_u32(w, "phandle", PHANDLE_GPIO);
	put_flag(w, "gpio-controller");
	put_u32(w, "#gpio-cells", 2);
	put_flag(w, "interrupt-controller");
	put_u32(w, "#interrupt-cells", 2);
	put_u32(w, "#address-cells", 0);
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	put_u32(w, "clocks", PHANDLE_CLOCK);
	put_strings(w, "clock-names", "apb_pclk");
	end(w);
}

/* watchdog/arm,sbsa-gwdt.yaml; the order of the frames is the binding's. */
static void write_watchdog(struct writer *w, const struct fdt_config *config)
{
	const uint64_t reg[] = { config->watchdog_control, config->watchdog_size,
				 config->watchdog_refresh, config->watchdog_size };
	const uint32_t interrupt[] = {
		GIC_CELL_SPI,
		config->watchdog_intid - GIC_SPI_BASE,
		GIC_CELL_LEVEL_HIGH,
	};
	char name[NAME_SIZE];

	node_name(name, "watchdog", config->watchdog_control);
	begin(w, name);
	put_strings(w, "compatible", "arm,sbsa-gwdt");
	put_reg(w, reg, ARRAY_SIZE(reg));
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	end(w);
}

/* input/gpio-keys.yaml. */
static void write_power_button(struct writer *w)
{
	static const uint32_t pin[] = { PHANDLE_GPIO, LAYOUT_POWER_PIN, GPIO_CELL_ACTIVE_HIGH };

	begin(w, "gpio-keys");
	put_strings(w, "compatible", "gpio-keys");
	begin(w, "key-power");
	put_strings(w, "label", "Power");
	put_u32(w, "linux,code", INPUT_KEY_POWER);
	put_cells(w, "gpios", pin, ARRAY_SIZE(pin));
	end(w);
	end(w);
}

/* docs/abi-hvc-blk.md, "Discovery". */
static void write_hvc(struct writer *w, const struct fdt_config *config)
{
	void *val;

	begin_at(w, "hvc-blk", config->hvc_base, config->hvc_size);
	put_strings(w, "compatible", "arcvisor,hvc-blk");
	if (!w->err)
		w->err = fdt_property_placeholder(
			w->blob, "interrupts", (int)(config->nr_cpus * 3 * sizeof(uint32_t)), &val);
	for (unsigned int i = 0; !w->err && i < config->nr_cpus; i++) {
		uint8_t *cells = (uint8_t *)val + i * 3 * sizeof(uint32_t);

		fdt32_st(cells, GIC_CELL_SPI);
		fdt32_st(cells + 4, config->hvc_lines[i].intid - GIC_SPI_BASE);
		fdt32_st(cells + 8, GIC_CELL_EDGE_RISES);
	}
	end(w);
}

/* virtio/mmio.yaml. */
static void write_virtio(struct writer *w, const struct fdt_virtio *virtio)
{
	const uint32_t interrupt[] = {
		GIC_CELL_SPI,
		virtio->line->intid - GIC_SPI_BASE,
		virtio->line->trigger == IRQ_LEVEL_HIGH ? GIC_CELL_LEVEL_HIGH : GIC_CELL_EDGE_RISES,
	};

	begin_at(w, "virtio_mmio", virtio->base, virtio->size);
	put_strings(w, "compatible", "virtio,mmio");
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	put_flag(w, "dma-coherent");
	end(w);
}

static void write_root(struct writer *w, const struct fdt_config *config)
{
	begin(w, "");
	put_strings(w, "compatible", "arcvisor,virt\0linux,dummy-virt");
	put_strings(w, "model", "arcvisor");
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 2);
	put_u32(w, "interrupt-parent", PHANDLE_GIC);
	write_chosen(w, config);
	write_memory(w, config->mem);
	write_cpus(w, config->nr_cpus, config->caches);
	write_psci(w, config->psci_smc);
	write_timer(w, config);
	if (config->has_pmu)
		write_pmu(w, config);
	write_gic(w, config);
	if (config->has_uart || config->has_rtc || config->has_gpio)
		write_clock(w);
	if (config->has_uart)
		write_uart(w, config);
	if (config->has_rtc)
		write_rtc(w, config);
	if (config->has_gpio) {
		write_gpio(w, config);
		write_power_button(w);
	}
	if (config->has_watchdog)
		write_watchdog(w, config);
	for (unsigned int i = 0; i < config->nr_virtio; i++)
		write_virtio(w, &config->virtio[i]);
	if (config->hvc_lines)
		write_hvc(w, config);
	end(w);
}

static int write_blob(const struct fdt_config *config, void *buf, size_t size, size_t *used)
{
	struct writer w = { .blob = buf };

	w.err = fdt_create(buf, (int)size);
	if (!w.err)
		w.err = fdt_finish_reservemap(buf);
	write_root(&w, config);
	if (!w.err)
		w.err = fdt_finish(buf);
	if (w.err)
		return w.err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
	*used = fdt_totalsize(buf);
	return 0;
}

int fdt_build(const struct fdt_config *config, void *buf, size_t size, size_t *used)
{
	size_t limit = size < FDT_MAX_SIZE ? size : FDT_MAX_SIZE;
	size_t attempt;
	int ret;

	assert(config->nr_cpus);
	assert(config->nr_redist <= BACKEND_MAX_REDIST_REGIONS);
	assert(config->gic_v2 ? config->nr_cpus <= BACKEND_GICV2_CPUS : config->nr_redist > 0);
	assert(!config->has_gpio || config->gpio_intid >= GIC_SPI_BASE);
	assert(!config->has_watchdog || config->watchdog_intid >= GIC_SPI_BASE);
	assert(!config->has_uart || config->uart_intid >= GIC_SPI_BASE);

	for (attempt = FIRST_SIZE; attempt < limit; attempt *= 4) {
		ret = write_blob(config, buf, attempt, used);
		if (ret != -ENOSPC)
			return ret;
	}
	return write_blob(config, buf, limit, used);
}
