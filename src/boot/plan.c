/* SPDX-License-Identifier: Apache-2.0 */
/* Where kernel, device tree and initrd go in guest memory. */
#include "boot/load.h"

#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/fdt.h"

/* Puts @size bytes @offset above the first 2 MiB boundary at or after @from. */
static bool place(gpa_t from, uint64_t offset, uint64_t size, gpa_t *base, gpa_t *end)
{
	return align_up(from, IMAGE_ALIGN, base) && !__builtin_add_overflow(*base, offset, base) &&
	       !__builtin_add_overflow(*base, size, end);
}

/* The last thing is the initrd, or without one the device tree. */
static bool within_window(const struct boot_map *map)
{
	return map->end - align_down(map->kernel_base, IMAGE_WINDOW_ALIGN) <= IMAGE_WINDOW_SIZE;
}

static int refuse_any_size(const struct boot_files *files)
{
	log_error("%s is too large: kernel and initrd must lie within 32 GiB of guest addresses, "
		  "so no --memory would do",
		  files->initrd_size ? files->initrd_path : files->kernel_path);
	return -ENOSPC;
}

static int refuse(const char *what, uint64_t have, uint64_t need)
{
	log_error("%s does not fit in %" PRIu64 " MiB of memory; --memory %" PRIu64
		  "M is the least that would hold kernel, device tree and initrd",
		  what, have / MIB, (need + MIB - 1) / MIB);
	return -ENOSPC;
}

int boot_plan(const struct boot_files *files, gpa_t ram_base, uint64_t ram_size,
	      struct boot_map *map)
{
	struct boot_map plan = { .initrd_size = files->initrd_size };
	gpa_t kernel_end, dtb_end;
	uint64_t need;

	if (!place(ram_base, files->kernel.text_offset, files->kernel.image_size, &plan.kernel_base,
		   &kernel_end) ||
	    !place(kernel_end, 0, FDT_MAX_SIZE, &plan.dtb_base, &dtb_end) ||
	    !place(dtb_end, 0, plan.initrd_size, &plan.initrd_base, &plan.end) ||
	    !within_window(&plan))
		return refuse_any_size(files);

	need = plan.end - ram_base;
	if (kernel_end - ram_base > ram_size)
		return refuse(files->kernel_path, ram_size, need);
	if (dtb_end - ram_base > ram_size)
		return refuse("the device tree", ram_size, need);
	if (need > ram_size)
		return refuse(files->initrd_path, ram_size, need);
	*map = plan;
	return 0;
}
