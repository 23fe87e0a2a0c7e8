// SPDX-License-Identifier: GPL-2.0
/*
 * arcvisor's hypercall block device: the platform device, its CPUs, its interrupts.
 *
 * A queue is made and freed on its own CPU, so that CPU hotplug's callbacks do both: they run there
 * for every CPU that is online, and for each that comes later.
 */
#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include <asm/cputype.h>

#include "hvc_blk.h"

bool hvc_blk_poll_queues;
module_param_named(poll_queues, hvc_blk_poll_queues, bool, 0444);
MODULE_PARM_DESC(poll_queues, "a second queue for each CPU, for polled requests");

unsigned int hvc_blk_queue_depth = 128;
module_param_named(queue_depth, hvc_blk_queue_depth, uint, 0444);
MODULE_PARM_DESC(queue_depth, "requests in flight for each queue, 2 to 1024 (128)");

unsigned int hvc_blk_version = 2;
module_param_named(version, hvc_blk_version, uint, 0444);
MODULE_PARM_DESC(version, "1: a call for each transfer, even where the host has rings (2)");

static bool probe_calls;
module_param_named(probe, probe_calls, bool, 0444);
MODULE_PARM_DESC(probe, "ask the host by a call where the device tree names no device");

static enum cpuhp_state hotplug_state;

static irqreturn_t hvc_blk_interrupt(int irq, void *data)
{
	struct hvc_blk_cpu *c = data;

	if (likely(smp_processor_id() == c->cpu))
		hvc_blk_cpu_serve(c);
	else
		hvc_blk_cpu_kick(c);
	return IRQ_HANDLED;
}

/* ---- on each CPU ---------------------------------------------------------------------------- */

/* The host's number of this CPU: docs/abi-hvc-blk.md, "Discovery". */
static u32 this_vcpu(void)
{
	u64 mpidr = read_cpuid_mpidr();

	return MPIDR_AFFINITY_LEVEL(mpidr, 0) | MPIDR_AFFINITY_LEVEL(mpidr, 1) << 4 |
	       MPIDR_AFFINITY_LEVEL(mpidr, 2) << 12;
}

static int request_interrupt(struct hvc_blk_cpu *c)
{
	struct device *dev = c->hb->dev;
	int irq, err;

	irq = platform_get_irq(to_platform_device(dev), c->vcpu);
	if (irq < 0)
		return irq;
	err = request_irq(irq, hvc_blk_interrupt, IRQF_NOBALANCING, "hvc-blk", c);
	if (!err)
		c->irq = irq;
	return err;
}

static void close_queues(struct hvc_blk_cpu *c)
{
	struct hvc_blk_queue *q;

	for (q = c->queues; q; q = q->next)
		hvc_blk_queue_close(q);
}

static int open_queues(struct hvc_blk_cpu *c)
{
	struct hvc_blk_queue *q;
	int err;

	for (q = c->queues; q; q = q->next) {
		if (q->live)
			continue; /* the CPU was away, its queue was not */
		err = hvc_blk_queue_open(q);
		if (err)
			return err;
	}
	return 0;
}

static int hvc_blk_cpu_online(unsigned int cpu, struct hlist_node *node)
{
	struct hvc_blk *hb = hlist_entry_safe(node, struct hvc_blk, hotplug);
	struct hvc_blk_cpu *c = &hb->cpus[cpu];
	int err = 0;

	if (hb->version == 1)
		return 0;
	c->vcpu = this_vcpu();
	if (!c->irq)
		err = request_interrupt(c);
	if (!err)
		err = irq_set_affinity(c->irq, cpumask_of(cpu));
	if (!err)
		err = open_queues(c);
	if (err)
		dev_err(hb->dev, "CPU %u cannot use the disks: %d\n", cpu, err);
	return err;
}

/*
 * A CPU that goes offline keeps its queues: blk-mq drains them only after this. They are freed
 * when the driver leaves.
 */
static int hvc_blk_cpu_offline(unsigned int cpu, struct hlist_node *node)
{
	struct hvc_blk *hb = hlist_entry_safe(node, struct hvc_blk, hotplug);

	if (hb->leaving)
		close_queues(&hb->cpus[cpu]);
	return 0;
}

/* ---- the device ----------------------------------------------------------------------------- */

static int alloc_cpus(struct hvc_blk *hb)
{
	unsigned int cpu;

	hb->cpus = kcalloc(nr_cpu_ids, sizeof(*hb->cpus), GFP_KERNEL);
	if (!hb->cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct hvc_blk_cpu *c = &hb->cpus[cpu];

		hvc_blk_cpu_init(hb, c, cpu);
		c->call = kzalloc(sizeof(*c->call), GFP_KERNEL);
		if (!c->call)
			return -ENOMEM;
	}
	return 0;
}

static int init_disks(struct hvc_blk *hb)
{
	s64 nr = hvc_blk_call(hb, HVC_BLK_PROBE, 0, 0, 0, NULL);
	unsigned int i;
	int err;

	if (nr <= 0)
		return -ENODEV;
	hb->disks = kcalloc(nr, sizeof(*hb->disks), GFP_KERNEL);
	if (!hb->disks)
		return -ENOMEM;
	hb->nr_disks = nr;
	for (i = 0; i < nr; i++) {
		err = hvc_blk_disk_init(hb, &hb->disks[i], i);
		if (err)
			return err;
	}
	return 0;
}

/* In the reverse order of probe; whatever of it there is. */
static void teardown(struct hvc_blk *hb, bool online)
{
	unsigned int i;

	for (i = 0; i < hb->nr_disks; i++)
		hvc_blk_disk_remove(&hb->disks[i]);
	hb->leaving = true;
	if (online)
		cpuhp_state_remove_instance(hotplug_state, &hb->hotplug);
	for (i = 0; hb->cpus && i < nr_cpu_ids; i++)
		if (hb->cpus[i].irq)
			free_irq(hb->cpus[i].irq, &hb->cpus[i]);
	for (i = 0; i < hb->nr_disks; i++)
		hvc_blk_disk_fini(&hb->disks[i]);
	for (i = 0; hb->cpus && i < nr_cpu_ids; i++)
		kfree(hb->cpus[i].call);
	kfree(hb->disks);
	kfree(hb->cpus);
	kfree(hb);
}

static const char *conduit_name(const struct hvc_blk *hb)
{
	static const char * const names[] = { "HVC", "SMC", "MMIO" };

	return names[hb->conduit];
}

static int hvc_blk_start(struct hvc_blk *hb, bool *online)
{
	unsigned int i;
	int err = alloc_cpus(hb);

	if (err)
		return err;
	err = hvc_blk_conduit_init(hb);
	if (err) {
		dev_err(hb->dev, "the host serves no disks by the block ABI; use virtio\n");
		return err;
	}
	err = init_disks(hb);
	if (err)
		return err;
	err = cpuhp_state_add_instance(hotplug_state, &hb->hotplug);
	if (err)
		return err;
	*online = true;
	for (i = 0; i < hb->nr_disks; i++) {
		err = hvc_blk_disk_add(&hb->disks[i]);
		if (err)
			return err;
	}
	dev_info(hb->dev, "%u disk%s by %s, version %u\n", hb->nr_disks,
		 hb->nr_disks == 1 ? "" : "s", conduit_name(hb), hb->version);
	return 0;
}

static int hvc_blk_probe(struct platform_device *pdev)
{
	struct hvc_blk *hb;
	void __iomem *mmio;
	bool online = false;
	int err;

	/* Without a node, by the parameter alone, there is none. */
	mmio = platform_get_resource(pdev, IORESOURCE_MEM, 0) ?
		       devm_platform_ioremap_resource(pdev, 0) : NULL;
	hb = kzalloc(sizeof(*hb), GFP_KERNEL);
	if (!hb)
		return -ENOMEM;
	hb->dev = &pdev->dev;
	hb->mmio = IS_ERR_OR_NULL(mmio) ? NULL : mmio;
	platform_set_drvdata(pdev, hb);
	err = hvc_blk_start(hb, &online);
	if (err)
		teardown(hb, online);
	return err;
}

#ifdef HVC_BLK_HAS_VOID_REMOVE
static void hvc_blk_remove(struct platform_device *pdev)
{
	teardown(platform_get_drvdata(pdev), true);
}
#else
static int hvc_blk_remove(struct platform_device *pdev)
{
	teardown(platform_get_drvdata(pdev), true);
	return 0;
}
#endif

/* ---- suspend -------------------------------------------------------------------------------- */

static void close_ipi(void *data)
{
	struct hvc_blk *hb = data;

	close_queues(&hb->cpus[smp_processor_id()]);
}

static void open_ipi(void *data)
{
	struct hvc_blk *hb = data;

	if (open_queues(&hb->cpus[smp_processor_id()]))
		dev_err(hb->dev, "CPU %u has lost the disks\n", smp_processor_id());
}

/* The rings go too: what resumes may be another machine with the same disks. */
static int hvc_blk_suspend(struct device *dev)
{
	struct hvc_blk *hb = dev_get_drvdata(dev);
	unsigned int i;

	for (i = 0; i < hb->nr_disks; i++)
		hvc_blk_disk_suspend(&hb->disks[i]);
	on_each_cpu(close_ipi, hb, 1);
	return 0;
}

static int hvc_blk_resume(struct device *dev)
{
	struct hvc_blk *hb = dev_get_drvdata(dev);
	unsigned int i;

	on_each_cpu(open_ipi, hb, 1);
	for (i = 0; i < hb->nr_disks; i++)
		hvc_blk_disk_resume(&hb->disks[i]);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(hvc_blk_pm_ops, hvc_blk_suspend, hvc_blk_resume);

/* kexec: the next kernel must not find its memory written by queues of this one. */
static void hvc_blk_shutdown(struct platform_device *pdev)
{
	hvc_blk_suspend(&pdev->dev);
}

static const struct of_device_id hvc_blk_match[] = {
	{ .compatible = "arcvisor,hvc-blk" },
	{ }
};
MODULE_DEVICE_TABLE(of, hvc_blk_match);

static struct platform_driver hvc_blk_driver = {
	.probe = hvc_blk_probe,
	.remove = hvc_blk_remove,
	.shutdown = hvc_blk_shutdown,
	.driver = {
		.name = "hvc-blk",
		.of_match_table = hvc_blk_match,
		.pm = pm_sleep_ptr(&hvc_blk_pm_ops),
	},
};

/*
 * Hosts of version 1 may have no node. A call that nobody there expects may be firmware's business,
 * so that is only done where somebody says that it may be.
 */
static struct platform_device *without_node;

static int __init add_without_node(void)
{
	struct device_node *node = of_find_matching_node(NULL, hvc_blk_match);

	of_node_put(node);
	if (node || !probe_calls)
		return 0;
	without_node = platform_device_register_simple("hvc-blk", PLATFORM_DEVID_NONE, NULL, 0);
	return PTR_ERR_OR_ZERO(without_node);
}

static int __init hvc_blk_module_init(void)
{
	int err = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "block/hvc-blk:online",
					  hvc_blk_cpu_online, hvc_blk_cpu_offline);

	if (err < 0)
		return err;
	hotplug_state = err;
	err = platform_driver_register(&hvc_blk_driver);
	if (err)
		goto no_driver;
	err = add_without_node();
	if (err)
		goto no_device;
	return 0;

no_device:
	platform_driver_unregister(&hvc_blk_driver);
no_driver:
	cpuhp_remove_multi_state(hotplug_state);
	return err;
}
module_init(hvc_blk_module_init);

static void __exit hvc_blk_module_exit(void)
{
	platform_device_unregister(without_node);
	platform_driver_unregister(&hvc_blk_driver);
	cpuhp_remove_multi_state(hotplug_state);
}
module_exit(hvc_blk_module_exit);

MODULE_DESCRIPTION("arcvisor hypercall block device");
MODULE_LICENSE("GPL");
