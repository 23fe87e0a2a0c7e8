/* SPDX-License-Identifier: Apache-2.0 */
/* Wires pmem devices: their files as memory that is no RAM, a window of registers each. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/layout.h"
#include "guest.h"
#include "pmem/pmem.h"

static int failed(int error)
{
	log_error("cannot make the pmem devices: %s", strerror(-error));
	return error;
}

/* ---- where they are -------------------------------------------------------------------------- */

/* The next place behind what is mapped so far; 0 where there is none below 2^64. */
static gpa_t place_behind(gpa_t end)
{
	gpa_t base;

	return align_up(end, LAYOUT_PMEM_ALIGN, &base) ? base : 0;
}

gpa_t pmems_end(const struct vm_config *config, struct pmem *const *pmems)
{
	gpa_t end = LAYOUT_RAM_BASE + config->memory;

	for (unsigned int i = 0; i < config->nr_pmems; i++) {
		gpa_t base = place_behind(end);

		if (!base || __builtin_add_overflow(base, pmem_size(pmems[i]), &end))
			return UINT64_MAX;
	}
	return end;
}

static int check_features(const struct pmem_config *pmem, const struct backend_caps *caps,
			  uint32_t features)
{
	if (!pmem->writable && !caps->readonly_mem) {
		log_error("--pmem %s: this host's KVM has no memory that a guest can only read; "
			  "give it a copy of its own with ,rw, or use --disk",
			  pmem->path);
		return -EINVAL;
	}
	if (features & VCPU_FEATURE_MTE) {
		log_error("--pmem %s: a file's pages have no tags; add --cpu-feature mte=off",
			  pmem->path);
		return -EINVAL;
	}
	return 0;
}

int pmems_check(const struct vm_config *config, const struct backend_caps *caps, uint32_t features,
		struct pmem *const *pmems)
{
	unsigned int bits = caps->ipa_bits < 52 ? caps->ipa_bits : 52;

	for (unsigned int i = 0; i < config->nr_pmems; i++) {
		int ret = check_features(&config->pmems[i], caps, features);

		if (ret < 0)
			return ret;
	}
	if (!config->nr_pmems || pmems_end(config, pmems) <= BIT64(bits))
		return 0;
	log_error(
		"--pmem %s: it would not end below what this host's %u-bit guest addresses reach, "
		"%" PRIu64 "G; use smaller files, or less --memory",
		config->pmems[config->nr_pmems - 1].path, bits, BIT64(bits) / GIB);
	return -EINVAL;
}

/* ---- one of them ----------------------------------------------------------------------------- */

static int flush(void *ctx)
{
	return pmem_flush(ctx);
}

static int map(struct guest *guest, const struct pmem *pmem, gpa_t base, struct vpmem *vpmem)
{
	const struct backend_ops *ops = guest->parts->ops;

	if (pmem_config(pmem)->writable)
		return ops->mem_map(guest->vm, base, pmem_host(pmem), pmem_size(pmem));
	/* Stores come here, where loads never do. */
	if (mmio_map_add(&guest->mmio, base, pmem_size(pmem), "pmem", &vpmem_window_ops, vpmem) < 0)
		return -ENOSPC;
	return ops->mem_map_readonly(guest->vm, base, pmem_host(pmem), pmem_size(pmem));
}

static int build_pmem(struct guest *guest, struct pmem *pmem, gpa_t base)
{
	struct guest_pmem *this = &guest->pmems.pmems[guest->pmems.nr_pmems];
	const struct vpmem_config config = {
		.id = pmem_config(pmem)->id,
		.base = base,
		.size = pmem_size(pmem),
		.flush = pmem_config(pmem)->writable ? flush : NULL,
		.ctx = pmem,
	};
	int ret = vpmem_create(&config, &this->vpmem);

	if (ret < 0)
		return ret;
	guest->pmems.nr_pmems++;
	ret = window_build(guest, vpmem_device(this->vpmem), &this->window);
	return ret < 0 ? ret : map(guest, pmem, base, this->vpmem);
}

/* ---- all of them ----------------------------------------------------------------------------- */

int pmems_build(struct guest *guest)
{
	const struct vm_config *config = guest->parts->config;
	gpa_t end = LAYOUT_RAM_BASE + config->memory;
	int ret = 0;

	if (!config->nr_pmems)
		return 0;
	guest->pmems.pmems = calloc(config->nr_pmems, sizeof(guest->pmems.pmems[0]));
	if (!guest->pmems.pmems)
		return failed(-ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < config->nr_pmems; i++) {
		struct pmem *pmem = guest->parts->pmems[i];
		gpa_t base = place_behind(end);

		ret = build_pmem(guest, pmem, base);
		end = base + pmem_size(pmem);
	}
	return ret < 0 ? failed(ret) : 0;
}

static gpa_t bell_of(const struct guest_pmem *pmem)
{
	return pmem->window.base + VIRTIO_MMIO_QUEUE_NOTIFY;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
static int connect_pmem(struct guest *guest, struct guest_pmem *pmem)
{
	int ret = window_connect(guest, &pmem->window);

	if (ret < 0)
		return ret;
	pmem->bound = guest->parts->ops->ioeventfd_bind(guest->vm, vpmem_doorbell(pmem->vpmem),
							bell_of(pmem), 4) == 0;
	return vpmem_start(pmem->vpmem);
}

int pmems_connect(struct guest *guest)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < guest->pmems.nr_pmems; i++)
		ret = connect_pmem(guest, &guest->pmems.pmems[i]);
	return ret < 0 ? failed(ret) : 0;
}

void pmems_describe(const struct guest *guest, struct fdt_config *fdt)
{
	for (unsigned int i = 0; i < guest->pmems.nr_pmems; i++)
		window_describe(&guest->pmems.pmems[i].window, fdt);
}

/* What was mapped goes with the VM, and its file when the machine does. */
void pmems_fini(struct guest *guest)
{
	struct guest_pmems *pmems = &guest->pmems;

	for (unsigned int i = 0; i < pmems->nr_pmems; i++) {
		struct guest_pmem *pmem = &pmems->pmems[i];

		if (pmem->bound)
			guest->parts->ops->ioeventfd_unbind(guest->vm, vpmem_doorbell(pmem->vpmem),
							    bell_of(pmem), 4);
		window_disconnect(guest, &pmem->window);
		vpmem_stop(pmem->vpmem);
		window_fini(&pmem->window);
		vpmem_destroy(pmem->vpmem);
	}
	free(pmems->pmems);
	*pmems = (struct guest_pmems){ 0 };
}
