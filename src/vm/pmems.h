/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: pmem devices, from their options to their nodes. */
#ifndef ARCVISOR_VM_PMEMS_H
#define ARCVISOR_VM_PMEMS_H

#include "backend/backend.h"
#include "virtio/pmem.h"
#include "window.h"

struct guest;
struct pmem;
struct vm_config;

struct guest_pmem {
	struct vpmem *vpmem;
	struct virtio_window window; /* of its registers */
	bool bound;		     /* the host's kernel rings its doorbell */
};

/* All of it is empty where there is none. */
struct guest_pmems {
	struct guest_pmem *pmems;
	unsigned int nr_pmems;
};

/* The end of the last window, which is the end of what is mapped: of RAM where there is none. */
gpa_t pmems_end(const struct vm_config *config, struct pmem *const *pmems);

/*
 * Whether this host can have them, opened as @pmems, in such a machine; @features: VCPU_FEATURE_*.
 * -EINVAL after a line in the log.
 */
int pmems_check(const struct vm_config *config, const struct backend_caps *caps, uint32_t features,
		struct pmem *const *pmems);

/* As disks_build() and the others, behind all of them; when RAM is mapped. */
int pmems_build(struct guest *guest);
int pmems_connect(struct guest *guest);
void pmems_describe(const struct guest *guest, struct fdt_config *fdt);
void pmems_fini(struct guest *guest);

#endif
