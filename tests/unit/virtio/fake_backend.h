/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A back end of vhost-user that listens at a path, in this process: takes what it is told, answers
 * as it is set to, and takes new connections until it is ended. No test framework.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_FAKE_BACKEND_H
#define ARCVISOR_TESTS_VIRTIO_FAKE_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_QUEUES 4u

struct fake_queue {
	uint32_t size, base;
	uint64_t desc, used, avail;
	int kick, call; /* -1: not told */
	bool enabled;
};

enum fake_fault {
	FAKE_NONE,
	FAKE_CLOSES,   /* in place of an answer */
	FAKE_OTHER,    /* answers something else */
	FAKE_LONG,     /* with a size that is wrong */
	FAKE_NO_REPLY, /* without the flag that says so */
	FAKE_REFUSES,  /* by an acknowledgement */
};

struct fake_backend {
	char path[64];
	int listener;
	_Atomic int conn;
	pthread_t thread;
	_Atomic bool end;

	/* What it is; set before it is asked. */
	uint64_t features, protocol, queues;
	uint8_t space[60];
	_Atomic uint32_t fault_at; /* a request's number, 0: none */
	_Atomic int fault;	   /* enum fake_fault */

	/* What it was told; by its thread, and complete when an answer to a later one has come. */
	_Atomic unsigned int connections;
	uint64_t set_features, set_protocol;
	uint32_t regions;
	uint64_t gpa, size, user;
	_Atomic int mem_fd;
	struct fake_queue q[FAKE_QUEUES];
	_Atomic unsigned int stops; /* GET_VRING_BASE */
};

void fake_backend_start(struct fake_backend *fake);
void fake_backend_end(struct fake_backend *fake);

/* Closes the connection, as one that crashed. */
void fake_backend_drop(struct fake_backend *fake);

#endif
