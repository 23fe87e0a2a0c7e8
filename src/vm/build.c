/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that wires parts together: configuration in, a guest ready to start out. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/fdt.h"
#include "boot/layout.h"
#include "check.h"
#include "guest.h"
#include "hvc/vendor.h"

static int failed(const char *what, int error)
{
	log_error("cannot %s: %s", what, strerror(-error));
	return error;
}

/* The smallest space that holds all memory: fewer stage 2 levels, and what a small host can do. */
static unsigned int ipa_bits_for(const struct guest_parts *parts)
{
	gpa_t end = pmems_end(parts->config, parts->pmems);
	unsigned int bits = 32;

	while (BIT64(bits) < end)
		bits++;
	return bits;
}

static void pin_region(struct guest *guest, const struct gmem_region *region)
{
	_Static_assert(BLK_MAX_PINNED >= GMEM_MAX_REGIONS, "room for each region");
	if (guest->parts->config->backing.pin)
		guest->pinned.iov[guest->pinned.nr++] =
			(struct iovec){ region->host, (size_t)region->size };
}

static int build_memory(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct gmem_backing backing = memory_backing(parts->config);
	int ret = gmem_add_backed(&guest->mem, LAYOUT_RAM_BASE, parts->config->memory, &backing);

	if (ret < 0)
		return failed("reserve guest memory", ret);
	for (unsigned int i = 0; i < guest->mem.nr_regions; i++) {
		const struct gmem_region *region = &guest->mem.regions[i];

		ret = parts->ops->mem_map(guest->vm, region->base, region->host, region->size);
		if (ret < 0)
			return failed("map guest memory", ret);
		pin_region(guest, region);
	}
	return boot_load(parts->files, parts->map, &guest->mem);
}

/* The hypervisor writes there, and what it writes is no part of any boot protocol's RAM. */
static int build_steal_time(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	int ret;

	_Static_assert(VM_MAX_CPUS * BACKEND_STEAL_EACH <= LAYOUT_STEAL_SIZE, "room for each vCPU");
	if (!(parts->features & VCPU_FEATURE_STEAL_TIME))
		return 0;
	ret = gmem_add(&guest->steal, LAYOUT_STEAL_BASE, LAYOUT_STEAL_SIZE);
	if (ret == 0)
		ret = parts->ops->mem_map(guest->vm, LAYOUT_STEAL_BASE,
					  guest->steal.regions[0].host, LAYOUT_STEAL_SIZE);
	return ret < 0 ? failed("map the memory for steal time", ret) : 0;
}

static int build_vm(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct backend_vm_config config = {
		.ipa_bits = ipa_bits_for(parts),
		.features = parts->features & VCPU_FEATURES,
		.cache_types =
			parts->features & CPU_FEATURE_CACHE_INFO ? caches_types(parts->caches) : 0,
		.steal_base = LAYOUT_STEAL_BASE,
		.pmu_intid = GIC_PPI_BASE + LAYOUT_PMU_PPI,
	};
	int ret = parts->ops->vm_create(&config, &guest->vm);

	return ret < 0 ? failed("create a VM", ret) : 0;
}

static int build_uart(struct guest *guest)
{
	unsigned int intid = GIC_SPI_BASE + LAYOUT_UART_SPI;
	int ret = irq_claim(&guest->irqs, intid);

	if (ret == 0) {
		irq_line_init(&guest->uart_line, guest->parts->ops, guest->vm, intid,
			      IRQ_LEVEL_HIGH);
		ret = pl011_create(guest->parts->console, &guest->uart_line, &guest->uart);
	}
	if (ret == 0)
		ret = mmio_map_add(&guest->mmio, LAYOUT_UART_BASE, PL011_SIZE, "pl011",
				   &pl011_mmio_ops, guest->uart);
	return ret < 0 ? failed("make the serial port", ret) : 0;
}

static int build_rtc(struct guest *guest)
{
	int ret = pl031_create(&guest->rtc);

	if (ret == 0)
		ret = mmio_map_add(&guest->mmio, LAYOUT_RTC_BASE, PL031_SIZE, "pl031",
				   &pl031_mmio_ops, guest->rtc);
	return ret < 0 ? failed("make the clock", ret) : 0;
}

static int build_gpio(struct guest *guest)
{
	unsigned int intid = GIC_SPI_BASE + LAYOUT_GPIO_SPI;
	struct pl061 *gpio;
	int ret = irq_claim(&guest->irqs, intid);

	if (ret < 0)
		return failed("make the power button", ret);
	irq_line_init(&guest->gpio_line, guest->parts->ops, guest->vm, intid, IRQ_LEVEL_HIGH);
	ret = pl061_create(&guest->gpio_line, &gpio);
	if (ret == 0) {
		ret = power_button_init(&guest->power_button, guest->parts->loop, gpio,
					LAYOUT_POWER_PIN);
		if (ret < 0)
			pl061_destroy(gpio);
		else
			guest->gpio = gpio;
	}
	if (ret == 0)
		ret = mmio_map_add(&guest->mmio, LAYOUT_GPIO_BASE, PL061_SIZE, "pl061",
				   &pl061_mmio_ops, gpio);
	return ret < 0 ? failed("make the power button", ret) : 0;
}

static void destroy_gpio(struct guest *guest)
{
	if (!guest->gpio)
		return;
	power_button_fini(&guest->power_button);
	pl061_destroy(guest->gpio);
	irq_line_fini(&guest->gpio_line);
}

static int build_hvc(struct guest *guest)
{
	int ret = hvc_build(guest);

	return ret < 0 ? failed("make the disks with via=hvc", ret) : 0;
}

static int build_devices(struct guest *guest)
{
	int ret;

	irq_allocator_init(&guest->irqs, hvc_nr_irqs(guest->parts->config));
	mmio_map_init(&guest->mmio);
	ret = build_uart(guest);
	if (ret == 0)
		ret = build_rtc(guest);
	if (ret == 0)
		ret = build_gpio(guest);
	if (ret == 0)
		ret = watchdog_build(guest);
	if (ret == 0)
		ret = disks_build(guest);
	if (ret == 0)
		ret = nets_build(guest);
	if (ret == 0)
		ret = vsocks_build(guest);
	if (ret == 0)
		ret = rng_build(guest);
	if (ret == 0)
		ret = balloon_build(guest);
	if (ret == 0)
		ret = vhosts_build(guest);
	if (ret == 0)
		ret = consoles_build(guest);
	if (ret == 0)
		ret = pmems_build(guest);
	if (ret == 0)
		ret = build_hvc(guest);
	mmio_map_freeze(&guest->mmio);
	return ret;
}

static enum psci_code guest_cpu_on(void *ctx, unsigned int target, uint64_t entry, uint64_t context)
{
	struct guest *guest = ctx;

	switch (vcpu_set_power_on(guest->vcpus, target, entry, context)) {
	case VCPU_OFF:
		return PSCI_SUCCESS;
	case VCPU_ON_PENDING:
		return PSCI_ON_PENDING;
	case VCPU_ON:
		break;
	}
	return PSCI_ALREADY_ON;
}

static enum psci_affinity guest_affinity(void *ctx, unsigned int target)
{
	struct guest *guest = ctx;

	switch (vcpu_set_power_state(guest->vcpus, target)) {
	case VCPU_ON:
		return PSCI_AFFINITY_ON;
	case VCPU_ON_PENDING:
		return PSCI_AFFINITY_ON_PENDING;
	case VCPU_OFF:
		break;
	}
	return PSCI_AFFINITY_OFF;
}

static int guest_suspend(void *ctx, unsigned int vcpu)
{
	struct guest *guest = ctx;

	return vcpu_set_suspend(guest->vcpus, vcpu);
}

static void guest_end(const struct guest *guest, enum machine_end why)
{
	guest->parts->sink->end(guest->parts->sink->ctx, why);
}

static void guest_system_off(void *ctx)
{
	guest_end(ctx, MACHINE_OFF);
}

static void guest_system_reset(void *ctx)
{
	guest_end(ctx, MACHINE_RESET);
}

static const struct psci_ops guest_psci_ops = {
	.cpu_on = guest_cpu_on,
	.affinity = guest_affinity,
	.suspend = guest_suspend,
	.system_off = guest_system_off,
	.system_reset = guest_system_reset,
};

/*
 * A host without the filter serves PSCI itself, and the vendor range not at all: its disks are
 * reached by the MMIO window.
 */
static int build_services(struct guest *guest)
{
	int ret;

	guest->psci = (struct psci){
		.ops = &guest_psci_ops,
		.ctx = guest,
		.nr_vcpus = guest->parts->config->cpus,
		.mem = &guest->mem,
	};
	smccc_table_init(&guest->smccc);
	ret = psci_register(&guest->psci, &guest->smccc);
	if (ret == 0)
		ret = vendor_register(&guest->smccc, guest->hvc.blk);
	if (ret == 0)
		ret = smccc_table_install(&guest->smccc, guest->parts->ops, guest->vm);
	guest->user_psci = ret == 0;
	if (ret == -ENOTSUP) {
		log_info("this host has no SMCCC filter: KVM answers PSCI, no hypercall services");
		ret = 0;
	}
	return ret < 0 ? failed("install the hypercall services", ret) : 0;
}

static int build_vcpus(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct vcpu_set_config config = {
		.ops = parts->ops,
		.vm = guest->vm,
		.nr_vcpus = parts->config->cpus,
		.user_psci = guest->user_psci,
		.mem = &guest->mem,
		.mmio = &guest->mmio,
		.smccc = &guest->smccc,
		.sink = parts->sink,
		.hooks = guest_hooks(guest),
		.entry = parts->map->kernel_base,
		.x0 = parts->map->dtb_base,
	};
	int ret = vcpu_set_create(&config, &guest->vcpus);

	return ret < 0 ? failed("create the vCPUs", ret) : 0;
}

static int build_gic(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct backend_gic_config gic =
		gic_config(&parts->gic, parts->config->cpus, hvc_nr_irqs(parts->config));
	int ret = parts->ops->gic_create(guest->vm, &gic);

	if (ret < 0)
		return failed("create the interrupt controller", ret);
	ret = disks_connect(guest);
	if (ret == 0)
		ret = nets_connect(guest);
	if (ret == 0)
		ret = vsocks_connect(guest);
	if (ret == 0)
		ret = rng_connect(guest);
	if (ret == 0)
		ret = balloon_connect(guest);
	if (ret == 0)
		ret = vhosts_connect(guest);
	if (ret == 0)
		ret = consoles_connect(guest);
	if (ret == 0)
		ret = pmems_connect(guest);
	if (ret < 0)
		return ret;
	ret = hvc_connect(guest);
	return ret < 0 ? failed("make the rings of disks with via=hvc", ret) : 0;
}

static void describe(const struct guest *guest, const uint8_t *seed, struct fdt_config *fdt)
{
	const struct guest_parts *parts = guest->parts;

	*fdt = (struct fdt_config){
		.nr_cpus = parts->config->cpus,
		.mem = &guest->mem,
		.has_uart = true,
		.uart_base = LAYOUT_UART_BASE,
		.uart_size = PL011_SIZE,
		.uart_intid = guest->uart_line.intid,
		.uart_trigger = guest->uart_line.trigger,
		.caches = parts->features & CPU_FEATURE_CACHE_INFO ? parts->caches : NULL,
		.has_pmu = parts->features & VCPU_FEATURE_PMU,
		.psci_smc = parts->config->smc,
		.has_rtc = true,
		.rtc_base = LAYOUT_RTC_BASE,
		.rtc_size = PL031_SIZE,
		.has_gpio = true,
		.gpio_base = LAYOUT_GPIO_BASE,
		.gpio_size = PL061_SIZE,
		.gpio_intid = guest->gpio_line.intid,
		.cmdline = parts->config->cmdline,
		.initrd_base = parts->map->initrd_base,
		.initrd_size = parts->map->initrd_size,
		.seed = seed,
	};
	hvc_describe(guest, fdt);
	gic_describe(&parts->gic, parts->config->cpus, fdt);
	disks_describe(guest, fdt);
	nets_describe(guest, fdt);
	vsocks_describe(guest, fdt);
	rng_describe(guest, fdt);
	balloon_describe(guest, fdt);
	vhosts_describe(guest, fdt);
	consoles_describe(guest, fdt);
	pmems_describe(guest, fdt);
	watchdog_describe(guest, fdt);
}

static int dump_dtb(const char *path, const void *dtb, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n = fd < 0 ? -1 : write(fd, dtb, size);
	int ret = n < 0 ? -errno : (size_t)n == size ? 0 : -EIO;

	if (fd >= 0)
		close(fd);
	if (ret < 0)
		log_error("%s: cannot write the device tree: %s", path, strerror(-ret));
	return ret;
}

/* Straight into guest memory: no vCPU runs yet. */
static int build_dtb(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	void *dtb = gmem_slice(&guest->mem, parts->map->dtb_base, FDT_MAX_SIZE);
	uint8_t seed[FDT_SEED_SIZE];
	struct fdt_config fdt;
	size_t size;
	int ret;

	if (!dtb)
		return failed("place the device tree", -EFAULT);
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return failed("get random bytes for the guest", -errno);
	describe(guest, seed, &fdt);
	ret = fdt_build(&fdt, dtb, FDT_MAX_SIZE, &size);
	if (ret < 0)
		return failed("write the device tree", ret);
	return parts->config->dtb_dump ? dump_dtb(parts->config->dtb_dump, dtb, size) : 0;
}

int guest_build(const struct guest_parts *parts, struct guest *guest)
{
	/* In the order in which each needs the ones before. */
	static int (*const steps[])(struct guest *) = {
		build_vm,	build_memory, build_steal_time, build_devices,
		build_services, build_vcpus,  build_gic,	build_dtb,
	};

	*guest = (struct guest){ .parts = parts, .uart_line.eventfd = -1 };
	gmem_init(&guest->mem);
	gmem_init(&guest->steal);
	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		int ret = steps[i](guest);

		if (ret < 0) {
			guest_destroy(guest);
			return ret;
		}
	}
	return 0;
}

void guest_destroy(struct guest *guest)
{
	if (guest->vcpus)
		vcpu_set_stop(guest->vcpus);
	pl011_destroy(guest->uart);
	pl031_destroy(guest->rtc);
	destroy_gpio(guest);
	watchdog_fini(guest);
	irq_line_fini(&guest->uart_line);
	hvc_fini(guest);
	pmems_fini(guest);
	vhosts_fini(guest);
	balloon_fini(guest);
	vsocks_fini(guest);
	consoles_fini(guest);
	rng_fini(guest);
	nets_fini(guest);
	disks_fini(guest);
	vcpu_set_destroy(guest->vcpus);
	guest->parts->ops->vm_destroy(guest->vm);
	gmem_fini(&guest->steal);
	gmem_fini(&guest->mem);
	*guest = (struct guest){ .parts = guest->parts };
}
