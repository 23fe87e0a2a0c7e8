/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of a running machine share: one on the simulated host, on a thread of its own. */
#ifndef ARCVISOR_TESTS_VM_MACHINE_RIG_H
#define ARCVISOR_TESTS_VM_MACHINE_RIG_H

#include "vm/vm.h"

/* Of the next machine_rig_start(): 2 vCPUs, no console, a stop_timeout that no test lives to see.
 */
extern struct vm_config machine_rig_config;

/* Blocks the signals that a machine takes in the calling thread. */
void machine_rig_init(void);
void machine_rig_fini(void);

void machine_rig_start(void);
enum machine_end machine_rig_wait(void);

/* What the guest's vCPU 0 does next. */
void machine_rig_play_psci(unsigned int fn);
void machine_rig_play_write(gpa_t addr, uint32_t val);
void machine_rig_play_read(gpa_t addr);

/* What the latest of its reads found. */
uint32_t machine_rig_last_read(void);

#endif
