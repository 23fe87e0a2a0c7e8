/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's KVM says of itself, asked without arcvisor: tests compare the two. */
#ifndef ARCVISOR_TESTS_HOST_H
#define ARCVISOR_TESTS_HOST_H

#include <stdbool.h>

bool host_has_gic_v2(void); /* for guests */
bool host_has_gic_v3(void);
bool host_has_its(void);
bool host_has_smccc_filter(void);
unsigned int host_max_vcpus(void);

/* Ends the test as skipped where a guest cannot have so many vCPUs. */
void skip_above_max_vcpus(unsigned int cpus);

/*
 * The same files as a mount over the root: programs that leave their root by pivot_root(2), as
 * passt and virtiofsd do, cannot where it is an initramfs. Of the calling process.
 */
void host_leave_initramfs(void);

#endif
