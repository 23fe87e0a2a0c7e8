/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the block service: disks with via=hvc, an interrupt a vCPU, the MMIO window, the node. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/layout.h"
#include "guest.h"

_Static_assert(VM_MAX_DISKS <= HVC_BLK_MAX_DISKS, "all disks may be served by hypercalls");
_Static_assert(LAYOUT_HVC_SIZE == HVC_BLK_MMIO_SIZE, "the window is the ABI's");

static bool any_hvc(const struct vm_config *config)
{
	for (unsigned int i = 0; i < config->nr_disks; i++)
		if (config->disks[i].via == DISK_VIA_HVC)
			return true;
	return false;
}

/* All of them share a ring a vCPU, which has one engine. */
int hvc_check(const struct vm_config *config)
{
	const struct disk_config *first = NULL;

	for (unsigned int i = 0; i < config->nr_disks; i++) {
		const struct disk_config *disk = &config->disks[i];

		if (disk->via != DISK_VIA_HVC)
			continue;
		if (disk->queues) {
			log_error("--disk %s: queues= is for via=virtio; leave it away, with "
				  "via=hvc the guest makes as many as it likes",
				  disk->path);
			return -EINVAL;
		}
		if (first && first->engine != disk->engine) {
			log_error("--disk %s and %s: disks with via=hvc share their engine; "
				  "give both the same engine=",
				  first->path, disk->path);
			return -EINVAL;
		}
		first = disk;
	}
	return 0;
}

unsigned int hvc_nr_irqs(const struct vm_config *config)
{
	uint64_t extra = 0;

	if (any_hvc(config) && !align_up(config->cpus, 32, &extra))
		extra = 0;
	return LAYOUT_NR_IRQS + (unsigned int)extra;
}

static int make_lines(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct guest_hvc *hvc = &guest->hvc;

	hvc->lines = calloc(parts->config->cpus, sizeof(hvc->lines[0]));
	if (!hvc->lines)
		return -ENOMEM;
	for (unsigned int i = 0; i < parts->config->cpus; i++) {
		unsigned int intid;
		int ret = irq_alloc(&guest->irqs, &intid);

		if (ret < 0)
			return ret;
		irq_line_init(&hvc->lines[i], parts->ops, guest->vm, intid, IRQ_EDGE_RISING);
		hvc->nr_lines++;
	}
	return 0;
}

static enum blk_engine pick_disks(struct guest *guest)
{
	const struct vm_config *config = guest->parts->config;
	enum blk_engine engine = BLK_ENGINE_AUTO;

	for (unsigned int i = 0; i < config->nr_disks; i++) {
		if (config->disks[i].via != DISK_VIA_HVC)
			continue;
		engine = (enum blk_engine)config->disks[i].engine;
		guest->hvc.disks[guest->hvc.nr_disks++] = guest->parts->disks[i];
	}
	return engine;
}

int hvc_build(struct guest *guest)
{
	struct guest_hvc *hvc = &guest->hvc;
	enum blk_engine engine = pick_disks(guest);
	struct hvc_blk_config config = {
		.mem = &guest->mem,
		.pinned = &guest->pinned,
		.nr_vcpus = guest->parts->config->cpus,
		.engine = engine,
		.disks = hvc->disks,
		.nr_disks = hvc->nr_disks,
		.has_mmio = true,
	};
	int ret;

	if (!hvc->nr_disks)
		return 0;
	ret = make_lines(guest);
	if (ret < 0)
		return ret;
	config.lines = hvc->lines;
	ret = hvc_blk_create(&config, &hvc->blk);
	if (ret < 0)
		return ret;
	return mmio_map_add(&guest->mmio, LAYOUT_HVC_BASE, LAYOUT_HVC_SIZE, "hvc-blk",
			    &hvc_blk_mmio_ops, hvc->blk);
}

int hvc_connect(struct guest *guest)
{
	struct guest_hvc *hvc = &guest->hvc;

	for (unsigned int i = 0; i < hvc->nr_lines; i++) {
		int ret = irq_line_bind_eventfd(&hvc->lines[i]);

		if (ret < 0)
			return ret;
	}
	return hvc->blk ? hvc_blk_open(hvc->blk) : 0;
}

void hvc_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (!guest->hvc.blk)
		return;
	fdt->hvc_base = LAYOUT_HVC_BASE;
	fdt->hvc_size = LAYOUT_HVC_SIZE;
	fdt->hvc_lines = guest->hvc.lines;
}

void hvc_fini(struct guest *guest)
{
	struct guest_hvc *hvc = &guest->hvc;

	hvc_blk_destroy(hvc->blk);
	for (unsigned int i = 0; i < hvc->nr_lines; i++)
		irq_line_fini(&hvc->lines[i]);
	free(hvc->lines);
	*hvc = (struct guest_hvc){ 0 };
}

void hvc_changed(struct guest *guest, const struct disk *disk)
{
	for (unsigned int i = 0; i < guest->hvc.nr_disks; i++)
		if (guest->hvc.disks[i] == disk)
			hvc_blk_changed(guest->hvc.blk, i);
}
