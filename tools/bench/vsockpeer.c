/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's programs of tools/bench/vsock: takes what a guest sends, sends it something, plays
 * ball with it, and prints what each took by the host's clock.
 *
 *   vsockpeer PATH     at the unix sockets PATH_52 and PATH_53
 *   vsockpeer vhost    at those ports of the host's AF_VSOCK
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define AMOUNT ((uint64_t)32 << 20) /* bytes each way */
#define WARM   100u		    /* round trips before those that count */
#define TRIPS  500u

static char buf[65536];

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

static int listen_at(const char *where, unsigned int port)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int vhost = strcmp(where, "vhost") == 0;
	int fd = socket(vhost ? AF_VSOCK : AF_UNIX, SOCK_STREAM, 0), ret;

	snprintf(un.sun_path, sizeof(un.sun_path), "%.96s_%u", where, port);
	ret = vhost ? bind(fd, (const struct sockaddr *)&vm, sizeof(vm))
		    : bind(fd, (const struct sockaddr *)&un, sizeof(un));
	if (fd < 0 || ret < 0 || listen(fd, 1) < 0)
		die("listen");
	return fd;
}

static int take_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	return fd;
}

/* From the first bytes on: what came before is not of the stream. */
static void measure_out(int fd)
{
	uint64_t got = 0, from = 0, start = 0;
	ssize_t n;

	while (got < AMOUNT) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			die("read");
		got += (uint64_t)n;
		if (start)
			continue;
		from = got;
		start = now();
	}
	printf("out %llu\n", (unsigned long long)((now() - start) / ((got - from) >> 20)));
	close(fd);
}

static void measure_in(int fd)
{
	uint64_t sent = 0, from = 0, start = 0;
	ssize_t n;

	while (sent < AMOUNT) {
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (n <= 0)
			die("send");
		sent += (uint64_t)n;
		if (start)
			continue;
		from = sent;
		start = now();
	}
	printf("in %llu\n", (unsigned long long)((now() - start) / ((sent - from) >> 20)));
	shutdown(fd, SHUT_WR);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void measure_trips(int fd)
{
	uint64_t start = 0;

	for (unsigned int i = 0; i < WARM + TRIPS; i++) {
		if (i == WARM)
			start = now();
		if (send(fd, "x", 1, MSG_NOSIGNAL) != 1 || recv(fd, buf, 1, 0) != 1)
			die("round trip");
	}
	printf("trip %llu\n", (unsigned long long)((now() - start) / TRIPS));
	close(fd);
}

int main(int argc, char **argv)
{
	int first, second;

	if (argc != 2)
		return 2;
	first = listen_at(argv[1], 52);
	second = listen_at(argv[1], 53);
	measure_out(take_client(first));
	measure_in(take_client(second));
	measure_trips(take_client(second));
	return 0;
}
