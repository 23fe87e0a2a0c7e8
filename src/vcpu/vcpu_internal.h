/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vcpu: a vCPU and its set. */
#ifndef ARCVISOR_VCPU_INTERNAL_H
#define ARCVISOR_VCPU_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "vcpu/vcpu.h"

enum vcpu_request {
	REQUEST_NONE,
	REQUEST_PAUSE,
	REQUEST_STOP,
};

struct vcpu {
	struct vcpu_set *set;
	unsigned int index;
	struct backend_vcpu *backend;
	struct exit_env env; /* the vCPU's thread */
	pthread_t thread;
	bool started; /* the thread exists; the set's owner alone */

	/* Guarded by the set's lock. */
	enum vcpu_power power;
	struct vcpu_boot boot; /* how it starts, from CPU_ON until its thread has taken it */
	bool running;	       /* its thread may be in the guest or in a handler */
};

/*
 * @lock guards power states, @nr_running and changes of @request; it is a leaf: no other lock is
 * taken and no backend operation is called under it, but for the kick.
 */
struct vcpu_set {
	struct vcpu_set_config config;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* vCPUs wait here: request or power state changed */
	pthread_cond_t idle; /* the owner waits here: nr_running fell to 0 */
	unsigned int nr_running;
	bool paused;	  /* the owner's thread: between pause and resume */
	bool has_counter; /* and the guest's counter is in the next */
	uint64_t counter;
	_Atomic int request; /* enum vcpu_request; read without the lock before each entry */
	struct vcpu vcpus[];
};

/* paused.c: keeps the guest's counter where it is. No vCPU runs. */
void vcpu_set_stop_counter(struct vcpu_set *set);
void vcpu_set_start_counter(struct vcpu_set *set);

/* The thread's function; @arg is the struct vcpu. */
void *vcpu_thread(void *arg);

#endif
