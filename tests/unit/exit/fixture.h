/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of one simulated vCPU with an exit environment around it. */
#ifndef ARCVISOR_TESTS_EXIT_FIXTURE_H
#define ARCVISOR_TESTS_EXIT_FIXTURE_H

#include "backend/sim.h"
#include "exit/dispatch.h"

/* Guest memory. */
#define FIXTURE_RAM	 0x40000000u
#define FIXTURE_RAM_SIZE 0x400000u

struct exit_fixture {
	struct backend_vm *vm;
	struct gmem mem;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct exit_sink sink;
	struct exit_env env;
	enum machine_end end; /* what the sink heard last */
	unsigned int nr_ends;
};

extern struct exit_fixture fixture;

/* For a suite's .init and .fini. */
void fixture_init(void);
void fixture_fini(void);

#endif
