/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MMIO map: which device answers at a guest physical address outside RAM.
 *
 * Filled before the first vCPU runs, frozen by then, so that look-ups take no lock. An access
 * that no device takes reads zero, is otherwise ignored, and is reported at a limited rate.
 */
#ifndef ARCVISOR_EXIT_MMIO_H
#define ARCVISOR_EXIT_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"

#define MMIO_MAX_DEVICES 128

/*
 * A device's handlers run on the vCPU thread that made the access, several at a time: a device
 * guards its own state. @offset is from the device's base; @len is 1, 2, 4 or 8 bytes, and
 * [offset, offset + len) lies within the device. Alignment is the guest's choice.
 */
struct mmio_ops {
	uint64_t (*read)(void *dev, uint64_t offset, unsigned int len);
	void (*write)(void *dev, uint64_t offset, unsigned int len, uint64_t val);
};

struct mmio_device {
	gpa_t base;
	uint64_t size;
	const char *name;
	const struct mmio_ops *ops;
	void *dev;
};

struct mmio_map {
	bool frozen;
	unsigned int nr_devices;
	struct mmio_device devices[MMIO_MAX_DEVICES]; /* by rising base */
};

void mmio_map_init(struct mmio_map *map);

/*
 * Puts a device at [@base, @base + @size). @name and @ops outlive the map. 0, -EINVAL (empty or
 * wraps), -EEXIST (overlaps another), -ENOSPC (map full), -EBUSY (frozen).
 */
int mmio_map_add(struct mmio_map *map, gpa_t base, uint64_t size, const char *name,
		 const struct mmio_ops *ops, void *dev);

/* No device can be added from here on. */
void mmio_map_freeze(struct mmio_map *map);

/* The device that holds all of [@addr, @addr + @len), or NULL. */
const struct mmio_device *mmio_map_find(const struct mmio_map *map, gpa_t addr, unsigned int len);

/* Performs the access. @is_write: takes *@data; else sets *@data, zero extended from @len. */
void mmio_access(const struct mmio_map *map, gpa_t addr, unsigned int len, bool is_write,
		 uint64_t *data);

#endif
