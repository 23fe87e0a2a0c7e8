/* SPDX-License-Identifier: Apache-2.0 */
/* The services behind a guest's calls, with a simulated vCPU that makes them. */
#ifndef ARCVISOR_TESTS_HVC_FIXTURE_H
#define ARCVISOR_TESTS_HVC_FIXTURE_H

#include "backend/sim.h"
#include "exit/smccc.h"
#include "hvc/psci.h"

#define TEST_MAX_VCPUS 40u

#define TEST_RAM_BASE 0x40000000ull
#define TEST_RAM_SIZE 0x10000ull

/* What the machine behind PSCI was asked for, and what it is to answer. */
struct hvc_fixture {
	struct smccc_table table;
	struct psci psci;
	struct gmem mem;
	struct backend_vm *vm;
	struct backend_vcpu *backend;
	unsigned int caller; /* index that calls come from */

	enum psci_code cpu_on_answer;
	enum psci_affinity affinity[TEST_MAX_VCPUS];
	int suspend_answer;

	unsigned int nr_cpu_on, nr_suspend, nr_off, nr_reset;
	unsigned int target;
	uint64_t entry, context;
	unsigned int suspended;

	enum smccc_action action; /* of the latest call */
	uint8_t nr_ret;
};

extern struct hvc_fixture hvc;

void hvc_init(void);
void hvc_fini(void);

/* Calls @fid by HVC, or SMC, with X1 to X3; what the guest finds in X0. */
uint64_t hvc_call_by(bool is_smc, uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3);

/* The same by HVC, as a signed code. */
int64_t hvc_call(uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3);

#endif
