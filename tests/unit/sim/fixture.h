/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated machine with two vCPUs. */
#ifndef ARCVISOR_TESTS_SIM_FIXTURE_H
#define ARCVISOR_TESTS_SIM_FIXTURE_H

#include "backend/sim.h"

#define TEST_NR_VCPUS 2u

extern struct backend_vm *vm;
extern struct backend_vcpu *vcpus[TEST_NR_VCPUS];

void sim_test_init(void);
void sim_test_fini(void);

/* 0 or -errno; the smallest controller that the vCPUs fit in, 64 INTIDs. */
int create_gic(void);

#endif
