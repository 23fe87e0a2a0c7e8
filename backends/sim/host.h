/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated host's state, shared by the files of this backend. */
#ifndef ARCVISOR_BACKENDS_SIM_HOST_H
#define ARCVISOR_BACKENDS_SIM_HOST_H

#include <pthread.h>

#include "backend/sim.h"

#define SIM_MAX_BINDINGS 256u /* ioeventfds, forwarded ranges: of each */
#define SIM_CALL_REGS	 18u  /* X0 to X17 (Arm DEN0028, register use in calls) */

/* One vcpu_run(): an exit with the registers that go with it, or an error. */
struct sim_step {
	int err;
	unsigned int nr_x;
	uint64_t x[SIM_CALL_REGS];
	struct vcpu_exit exit;
};

/* Made at the first mention of its index, kept until sim_init(). */
struct backend_vcpu {
	bool created;
	bool interrupted;
	bool waiting;	 /* in vcpu_run() for something to play */
	bool answerable; /* an exit came out that has had no reply */
	bool was_reset;
	unsigned int index;
	struct vcpu_boot boot;
	struct vcpu_regs regs;
	struct vcpu_exit exit;	/* the latest that vcpu_run() returned */
	struct vcpu_exit reply; /* not in effect yet; VCPU_EXIT_INTERRUPTED: none */
	struct sim_step *steps;
	size_t nr_steps, max_steps, next_step;
	struct vcpu_exit *replies;
	size_t nr_replies, max_replies;
};

struct sim_wire {
	bool level;
	bool bound; /* to @fd */
	unsigned int edges;
	int fd;
};

struct sim_ioeventfd {
	int fd;
	gpa_t gpa;
	unsigned int len;
	bool one; /* for @val alone */
	uint32_t val;
};

struct sim_range {
	uint32_t first;
	uint32_t count;
};

struct backend_vm {
	bool alive;
	bool has_gic;
	bool has_run; /* a vCPU entered vcpu_run() */
	unsigned int ipa_bits;
	struct backend_vm_config config;
	unsigned int nr_vcpus;
	struct backend_gic_config gic;
	unsigned int nr_memory;
	struct sim_memory memory[SIM_MAX_MEMORY];
	unsigned int nr_ioeventfds;
	struct sim_ioeventfd ioeventfds[SIM_MAX_BINDINGS];
	unsigned int nr_forwards;
	struct sim_range forwards[SIM_MAX_BINDINGS];
	struct sim_wire wires[SIM_MAX_IRQS];
};

struct sim_failure {
	unsigned int in; /* calls until the one that fails; 0: not armed */
	int err;
};

struct sim_host {
	pthread_mutex_t lock;	/* guards all of it; no other lock is taken under it */
	pthread_cond_t changed; /* broadcast whenever something that is waited for may be true */
	struct backend_caps caps;
	uint64_t counter;
	unsigned int calls[SIM_OPS];
	struct sim_failure failures[SIM_OPS];
	struct backend_vm vm;
	struct backend_vcpu *vcpus[SIM_MAX_VCPUS];
};

extern struct sim_host sim_host;

void sim_lock(void);
void sim_unlock(void);

/*
 * Takes the lock and counts a call of @op: 0, or the -errno that it was told to fail with. The
 * lock is held whatever it returns, and those who wait look again once it is free.
 */
int sim_enter(enum sim_op op);

/* True if vcpu_run() has something to return. */
bool sim_has_work(const struct backend_vcpu *vcpu);

/* The vCPU of @index, made if need be. */
struct backend_vcpu *sim_vcpu_locked(unsigned int index);

/* @array with room for entry @nr: as it was, or a larger one with *@max raised. */
void *sim_grow(void *array, size_t nr, size_t *max, size_t size);

/* vcpu.c */
int sim_vcpu_create(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out);
void sim_vcpu_destroy(struct backend_vcpu *vcpu);
int sim_vcpu_reset(struct backend_vcpu *vcpu, const struct vcpu_boot *boot);
int sim_vcpu_run(struct backend_vcpu *vcpu, struct vcpu_exit *exit);
int sim_vcpu_reply(struct backend_vcpu *vcpu, const struct vcpu_exit *exit);
int sim_vcpu_settle(struct backend_vcpu *vcpu);
void sim_vcpu_interrupt(struct backend_vcpu *vcpu);
int sim_vcpu_get_x(struct backend_vcpu *vcpu, unsigned int first, unsigned int count,
		   uint64_t *val);
int sim_vcpu_set_x(struct backend_vcpu *vcpu, unsigned int n, uint64_t val);
int sim_vcpu_get_regs(struct backend_vcpu *vcpu, struct vcpu_regs *regs);
int sim_vcpu_get_context(struct backend_vcpu *vcpu, struct vcpu_context *context);
int sim_vcpu_set_sp(struct backend_vcpu *vcpu, uint64_t val);
int sim_vcpu_skip(struct backend_vcpu *vcpu);
int sim_vcpu_inject_sea(struct backend_vcpu *vcpu);
int sim_vcpu_get_counter(struct backend_vcpu *vcpu, uint64_t *val);
int sim_vcpu_set_counter(struct backend_vcpu *vcpu, uint64_t val);

#endif
