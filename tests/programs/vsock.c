/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vsock, as programs of a Linux guest use it; for tests, on any C library.
 *
 *   vsock connect PORT     standard input to the host's PORT, what comes from there to standard
 *                          output; closes its direction where the input ends
 *   vsock many PORT COUNT  COUNT connections to the host's PORT at once; each must give back what
 * is sent on it, which differs vsock echo PORT        gives each connection to PORT its bytes back,
 * until it is killed vsock stuck PORT       takes one connection and reads nothing, until it is
 * killed
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define MAX_CONNECTIONS 1000

static char buf[65536];

static _Noreturn void die(const char *what)
{
	printf("vsock: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int connect_to(unsigned int port)
{
	const struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connect");
	return fd;
}

static int listen_at(unsigned int port)
{
	const struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, MAX_CONNECTIONS) < 0)
		die("listen");
	return fd;
}

static int write_all(int fd, const char *bytes, ssize_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, (size_t)len);

		if (n < 0)
			return -1;
		bytes += n;
		len -= n;
	}
	return 0;
}

/* A process a direction. */
static void run_connect(unsigned int port)
{
	int fd = connect_to(port);
	ssize_t n;
	pid_t child = fork();

	if (child == 0) {
		while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
			if (write_all(fd, buf, n) < 0)
				break;
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write_all(STDOUT_FILENO, buf, n) < 0)
			die("write");
	if (n < 0)
		die("read");
	kill(child, SIGKILL);
}

static void run_many(unsigned int port, unsigned int count)
{
	static int fds[MAX_CONNECTIONS];
	unsigned int good = 0;

	for (unsigned int i = 0; i < count; i++)
		fds[i] = connect_to(port);
	for (uint32_t i = 0; i < count; i++)
		if (write(fds[i], &i, sizeof(i)) != (ssize_t)sizeof(i))
			die("write");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t got = ~0u;

		if (recv(fds[i], &got, sizeof(got), MSG_WAITALL) == (ssize_t)sizeof(got) &&
		    got == i)
			good++;
	}
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
	printf("many: %u of %u\n", good, count);
}

/* What @fd has goes back; false at its end. */
static int echo(int fd)
{
	ssize_t n = read(fd, buf, sizeof(buf));

	return n > 0 && write_all(fd, buf, n) == 0;
}

static void run_echo(unsigned int port)
{
	static struct pollfd fds[MAX_CONNECTIONS + 1];
	unsigned int nr = 1;

	fds[0] = (struct pollfd){ .fd = listen_at(port), .events = POLLIN };
	for (;;) {
		fds[0].events = nr <= MAX_CONNECTIONS ? POLLIN : 0;
		if (poll(fds, nr, -1) < 0)
			die("poll");
		for (unsigned int i = 1; i < nr; i++) {
			if (!fds[i].revents || echo(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i--] = fds[--nr];
		}
		if (fds[0].revents)
			fds[nr++] = (struct pollfd){ accept(fds[0].fd, NULL, NULL), POLLIN, 0 };
	}
}

static void run_stuck(unsigned int port)
{
	int fd = accept(listen_at(port), NULL, NULL);

	if (fd < 0)
		die("accept");
	pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	unsigned int port = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "connect") == 0)
		run_connect(port);
	else if (strcmp(what, "many") == 0 && argc > 3 && atoi(argv[3]) <= MAX_CONNECTIONS)
		run_many(port, (unsigned int)atoi(argv[3]));
	else if (strcmp(what, "echo") == 0)
		run_echo(port);
	else if (strcmp(what, "stuck") == 0)
		run_stuck(port);
	else
		return 2;
	return 0;
}
