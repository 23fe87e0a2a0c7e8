/* SPDX-License-Identifier: Apache-2.0 */
/* A network of the host with a tap in it, and a server, for tests of network cards. */
#ifndef ARCVISOR_TESTS_WIRE_H
#define ARCVISOR_TESTS_WIRE_H

#include <pthread.h>

#define WIRE_TAP     "tap0"
#define WIRE_HOST_IP "192.0.2.1"
#define WIRE_AMOUNT  (2u << 20) /* bytes that go each way */
#define WIRE_PORT    7

/* This process has a network of its own, without a tap. Ends the test as skipped where that cannot
 * be. */
void wire_init(void);

/* A tap that stays, with an address, and up; opened: it has a carrier until that is closed. */
int wire_make_tap(short more);

/*
 * A thread that takes WIRE_AMOUNT bytes of each client and gives them back when it has them all;
 * it ends after @clients.
 */
void wire_start_server(pthread_t *thread, int *listener, unsigned int clients);

#endif
