/* SPDX-License-Identifier: Apache-2.0 */
/* The MMIO map: guest physical address to device. */
#include "exit/mmio.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

void mmio_map_init(struct mmio_map *map)
{
	map->frozen = false;
	map->nr_devices = 0;
}

/* How many devices begin at or below @addr: the last of them is the only one that may hold it. */
static unsigned int mmio_rank(const struct mmio_map *map, gpa_t addr)
{
	unsigned int low = 0;
	unsigned int high = map->nr_devices;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (map->devices[mid].base <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool mmio_overlaps(const struct mmio_map *map, unsigned int at, gpa_t base, uint64_t size)
{
	const struct mmio_device *next = &map->devices[at];

	if (at < map->nr_devices && ranges_overlap(base, size, next->base, next->size))
		return true;
	return at > 0 && ranges_overlap(base, size, next[-1].base, next[-1].size);
}

int mmio_map_add(struct mmio_map *map, gpa_t base, uint64_t size, const char *name,
		 const struct mmio_ops *ops, void *dev)
{
	unsigned int at;
	gpa_t end;

	if (map->frozen)
		return -EBUSY;
	if (!size || __builtin_add_overflow(base, size, &end))
		return -EINVAL;
	at = mmio_rank(map, base);
	if (mmio_overlaps(map, at, base, size))
		return -EEXIST;
	if (map->nr_devices == MMIO_MAX_DEVICES)
		return -ENOSPC;
	memmove(&map->devices[at + 1], &map->devices[at],
		(map->nr_devices - at) * sizeof(map->devices[0]));
	map->devices[at] = (struct mmio_device){
		.base = base,
		.size = size,
		.name = name,
		.ops = ops,
		.dev = dev,
	};
	map->nr_devices++;
	return 0;
}

void mmio_map_freeze(struct mmio_map *map)
{
	map->frozen = true;
}

const struct mmio_device *mmio_map_find(const struct mmio_map *map, gpa_t addr, unsigned int len)
{
	unsigned int rank = mmio_rank(map, addr);
	const struct mmio_device *device;

	if (!rank)
		return NULL;
	device = &map->devices[rank - 1];
	return range_within(addr, len, device->base, device->size) ? device : NULL;
}

static void mmio_report_hole(gpa_t addr, unsigned int len, bool is_write)
{
	static struct log_limit limit = { .burst = 5 };

	log_limited(&limit, LOG_LEVEL_WARN,
		    "guest %s %u bytes at 0x%" PRIx64 ", where no device is",
		    is_write ? "wrote" : "read", len, addr);
}

/* The values that @len bytes hold; a device may answer with more than it was asked for. */
static uint64_t mmio_mask(unsigned int len)
{
	return len < sizeof(uint64_t) ? BIT64(8 * len) - 1 : UINT64_MAX;
}

void mmio_access(const struct mmio_map *map, gpa_t addr, unsigned int len, bool is_write,
		 uint64_t *data)
{
	const struct mmio_device *device = mmio_map_find(map, addr, len);

	if (!device) {
		mmio_report_hole(addr, len, is_write);
		if (!is_write)
			*data = 0;
	} else if (is_write) {
		device->ops->write(device->dev, addr - device->base, len, *data);
	} else {
		*data = device->ops->read(device->dev, addr - device->base, len) & mmio_mask(len);
	}
}
