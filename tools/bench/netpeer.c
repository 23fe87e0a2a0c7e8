/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Round trips of tools/bench/net: single bytes over one TCP connection, as netperf's TCP_RR.
 *
 *   netpeer               answers each byte of each client, one client after another
 *   netpeer IP TRIPS      plays that many, and prints what one took by its own clock
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 7000
#define WARM 200u /* round trips before those that count */

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void send_at_once(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void answer(int fd)
{
	char byte;

	send_at_once(fd);
	while (recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1)
		;
	close(fd);
}

static void play(int fd, unsigned int trips)
{
	uint64_t start = 0;
	char byte = 'x';

	send_at_once(fd);
	for (unsigned int i = 0; i < WARM + trips; i++) {
		if (i == WARM)
			start = now();
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
			die("round trip");
	}
	printf("%llu\n", (unsigned long long)((now() - start) / trips));
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int on = 1;

	if (argc != 1 && argc != 3)
		return 2;
	if (argc == 3) {
		addr.sin_addr.s_addr = inet_addr(argv[1]);
		if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
			die("connect");
		play(fd, (unsigned int)atoi(argv[2]));
		return 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		die("listen");
	for (;;)
		answer(accept(fd, NULL, NULL));
}
