/* SPDX-License-Identifier: Apache-2.0 */
#include "balloon_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_NEED(ok)                                                                   \
	do {                                                                           \
		if (!(ok)) {                                                           \
			fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                       \
		}                                                                      \
	} while (0)

#define QUEUE_SIZE 64u

/* One rig at a time has a line. */
static struct balloon_rig *current_balloon;

static int count_balloon_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&current_balloon->edges, 1);
	return 0;
}

static const struct backend_ops balloon_irq_ops = { .irq_set = count_balloon_edge };

void balloon_rig_init(struct balloon_rig *rig)
{
	current_balloon = rig;
	gmem_init(&rig->mem);
	RIG_NEED(gmem_add(&rig->mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	if (rig->page)
		rig->mem.regions[0].page = rig->page;
	irq_line_init(&rig->line, &balloon_irq_ops, NULL, 48, IRQ_EDGE_RISING);
	RIG_NEED(vballoon_create(&rig->config, &rig->mem, &rig->balloon) == 0);
	RIG_NEED(virtio_mmio_create(vballoon_device(rig->balloon), &rig->mem, &rig->line,
				    &rig->mmio) == 0);
}

void balloon_rig_fini(struct balloon_rig *rig)
{
	vballoon_stop(rig->balloon);
	virtio_mmio_destroy(rig->mmio);
	vballoon_destroy(rig->balloon);
	gmem_fini(&rig->mem);
}

void balloon_rig_start(struct balloon_rig *rig, uint64_t without)
{
	driver_start(rig->mmio, &rig->mem, rig->drivers, VBALLOON_NR_QUEUES, QUEUE_SIZE, without);
}

uint32_t balloon_rig_get(struct balloon_rig *rig, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(rig->mmio, reg, 4);
}

void balloon_rig_put(struct balloon_rig *rig, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig->mmio, reg, 4, val);
}

void *balloon_rig_host(struct balloon_rig *rig, gpa_t gpa)
{
	return gmem_slice(&rig->mem, gpa, 1);
}

void balloon_rig_pages(struct balloon_rig *rig, unsigned int queue, gpa_t at, const uint32_t *pfns,
		       unsigned int nr)
{
	const struct driver_buf buf = { BALLOON_RIG_DATA + at, nr * (uint32_t)sizeof(pfns[0]),
					false };

	memcpy(balloon_rig_host(rig, buf.addr), pfns, buf.len);
	driver_offer(&rig->drivers[queue], driver_chain(&rig->drivers[queue], &buf, 1));
}

unsigned int balloon_rig_used(struct balloon_rig *rig, unsigned int queue)
{
	struct virtq_used_elem elem;
	unsigned int nr = 0;

	while (driver_used(&rig->drivers[queue], &elem))
		nr++;
	return nr;
}
