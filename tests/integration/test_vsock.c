/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket device of an unmodified Debian kernel: streams both ways, half-closed ones, one that
 * is stuck beside one that flows, hundreds at once; through pauses and a reboot. Then the same
 * device served by the host's kernel, where that has vhost_vsock.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "machine.h"
#include "shell.h"

#define AMOUNT	   (2u << 20) /* bytes of a stream */
#define MANY	   200u
#define ALLOC	   262144ull /* what Linux has room for, of a connection */
#define ECHO_PORT  7u	     /* in the guest */
#define STUCK_PORT 8u
#define HOST_ECHO  52u /* in the host */
#define HOST_STUCK 53u

static char control_path[48], socket_path[48];
static unsigned int kernel_cid; /* by the host's kernel; 0: by unix sockets */

TestSuite(vsock);

static struct sockaddr_un address(int port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (port < 0)
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", socket_path);
	else
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s_%d", socket_path, port);
	return addr;
}

static unsigned long long counter(const char *name)
{
	return machine_counter(control_path, name);
}

static void wait_for_counter(const char *name, unsigned long long value)
{
	while (counter(name) < value)
		;
}

/* ---- the host's programs --------------------------------------------------------------------- */

static struct sockaddr_vm kernel_address(unsigned int cid, unsigned int port)
{
	return (struct sockaddr_vm){ .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
}

static int listen_in_kernel(unsigned int port)
{
	const struct sockaddr_vm addr = kernel_address(VMADDR_CID_ANY, port);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0, "%s",
		     strerror(errno));
	cr_assert_eq(listen(fd, MANY), 0);
	return fd;
}

static int listen_at(unsigned int port)
{
	const struct sockaddr_un addr = address((int)port);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(fd, MANY), 0);
	return fd;
}

/* Gives each connection its bytes back, until it is cancelled. */
static void *echo(void *arg)
{
	static struct pollfd fds[MANY + 2];
	static char bytes[65536];
	nfds_t nr = 1;

	fds[0] = (struct pollfd){ .fd = *(int *)arg, .events = POLLIN };
	while (poll(fds, nr, -1) > 0) {
		for (nfds_t i = 1; i < nr; i++) {
			ssize_t n = fds[i].revents ? read(fds[i].fd, bytes, sizeof(bytes)) : 1;

			if (fds[i].revents && n > 0)
				n = send(fds[i].fd, bytes, (size_t)n, MSG_NOSIGNAL);
			if (n > 0)
				continue;
			close(fds[i].fd);
			fds[i--] = fds[--nr];
		}
		if (fds[0].revents) {
			int fd = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC);

			if (fd < 0)
				break;
			fds[nr++] = (struct pollfd){ fd, POLLIN, 0 };
		}
	}
	while (nr > 1)
		close(fds[--nr].fd);
	return NULL;
}

static int connect_in_kernel(unsigned int port)
{
	const struct sockaddr_vm addr = kernel_address(kernel_cid, port);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Connected to the guest's @port; -1: the guest does not want that. */
static int connect_to(unsigned int port)
{
	const struct sockaddr_un addr = address(-1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;
	char line[32] = { 0 };

	if (kernel_cid) {
		close(fd);
		return connect_in_kernel(port);
	}
	cr_assert_eq(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0, "%s",
		     strerror(errno));
	len = snprintf(line, sizeof(line), "CONNECT %u\n", port);
	cr_assert_eq(send(fd, line, (size_t)len, MSG_NOSIGNAL), len);
	for (size_t n = 0; n + 1 < sizeof(line); n++) {
		if (recv(fd, line + n, 1, 0) != 1) {
			close(fd);
			return -1;
		}
		if (line[n] == '\n')
			break;
	}
	cr_assert_eq(strncmp(line, "OK ", 3), 0, "%s", line);
	return fd;
}

static unsigned char stream[AMOUNT];

static void fill_stream(void)
{
	for (size_t i = 0; i < AMOUNT; i++)
		stream[i] = (unsigned char)(i ^ i >> 8 ^ i >> 16);
}

/* Sends AMOUNT bytes, and closes its direction. */
static void *send_amount(void *arg)
{
	int fd = *(int *)arg;
	size_t sent = 0;

	while (sent < AMOUNT) {
		ssize_t n = send(fd, stream + sent, AMOUNT - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* What comes back of that, to its end; @between after each piece. */
static void check_amount(int fd, void (*between)(size_t got))
{
	static unsigned char bytes[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		cr_assert_leq(got + (size_t)n, AMOUNT);
		cr_assert_eq(memcmp(bytes, stream + got, (size_t)n), 0, "behind byte %zu", got);
		got += (size_t)n;
		if (between)
			between(got);
	}
	cr_assert_eq(n, 0, "%s", strerror(errno));
	cr_assert_eq(got, AMOUNT);
}

static void check_there_and_back(void (*between)(size_t got))
{
	pthread_t sender;
	int fd = connect_to(ECHO_PORT);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pthread_create(&sender, NULL, send_amount, &fd), 0);
	check_amount(fd, between);
	pthread_join(sender, NULL);
	close(fd);
}

/* ---- the guest ------------------------------------------------------------------------------- */

/* What is started in the background is there when it answers. */
static void start_echo(struct machine *machine)
{
	int fd;

	shell(machine, "vsock echo 7 & echo started-'now'", "started-now");
	while ((fd = connect_to(ECHO_PORT)) < 0)
		;
	close(fd);
}

static void check_from_guest(struct machine *machine)
{
	shell(machine,
	      "head -c 2097152 /dev/urandom >/tmp/r; vsock connect 52 </tmp/r >/tmp/g; "
	      "cmp /tmp/r /tmp/g && echo all-'bytes' same || echo all-'bytes' other",
	      "all-bytes same");
}

static void check_nobody_listens(struct machine *machine)
{
	cr_expect_eq(connect_to(9999), -1);
	shell(machine, "vsock connect 9999 </dev/null; echo status-'is' $?", "status-is 1");
}

/* Into the guest: as much goes as it has room for; out of it: until nobody has any. */
static void check_stuck(struct machine *machine)
{
	unsigned long long rx, tx;
	char bytes[4096] = { 0 };
	int listener = listen_at(HOST_STUCK), stuck, silent;

	shell(machine, "vsock stuck 8 & echo started-'now'", "started-now");
	rx = counter("rx_bytes ");
	while ((stuck = connect_to(STUCK_PORT)) < 0)
		;
	for (size_t sent = 0; sent < ALLOC; sent += sizeof(bytes))
		cr_assert_eq(send(stuck, bytes, sizeof(bytes), MSG_NOSIGNAL),
			     (ssize_t)sizeof(bytes));
	wait_for_counter("rx_bytes ", rx + ALLOC);
	while (send(stuck, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	tx = counter("tx_bytes ");
	shell(machine, "vsock connect 53 </dev/zero >/dev/null & echo started-'now'",
	      "started-now");
	silent = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	wait_for_counter("tx_bytes ", tx + ALLOC);
	rx = counter("rx_bytes ");
	check_there_and_back(NULL);
	cr_expect_eq(counter("rx_bytes "), rx + AMOUNT, "nothing of the stuck one");
	close(silent);
	close(stuck);
	close(listener);
	shell(machine, "killall vsock; echo killed-'now'", "killed-now");
}

static void check_many(struct machine *machine)
{
	int fds[MANY];
	char command[64], want[32];

	for (unsigned int i = 0; i < MANY; i++)
		cr_assert_geq(fds[i] = connect_to(ECHO_PORT), 0, "%u", i);
	cr_expect_geq(counter("connections "), MANY);
	for (unsigned int i = 0; i < MANY; i++)
		cr_assert_eq(send(fds[i], &i, sizeof(i), 0), (ssize_t)sizeof(i));
	for (unsigned int i = 0, got = 0; i < MANY; i++) {
		cr_assert_eq(recv(fds[i], &got, sizeof(got), MSG_WAITALL), (ssize_t)sizeof(got));
		cr_assert_eq(got, i);
		close(fds[i]);
	}
	snprintf(command, sizeof(command), "vsock many 52 %u", MANY);
	snprintf(want, sizeof(want), "many: %u of %u", MANY, MANY);
	shell(machine, command, want);
}

/* A guest that stands still for a while loses nothing. */
static void pause_now_and_then(size_t got)
{
	static size_t next = AMOUNT / 8;

	if (got < next)
		return;
	next += AMOUNT / 4;
	machine_ctl(control_path, "pause", NULL);
	machine_ctl(control_path, "resume", NULL);
}

static void reboot(struct machine *machine)
{
	char byte;
	int fd = connect_to(ECHO_PORT);

	cr_assert_geq(fd, 0);
	machine_send(machine, "reboot -f\n");
	cr_expect_leq(recv(fd, &byte, 1, 0), 0, "it ends with the guest");
	close(fd);
	shell_ready(machine);
}

static void boot(struct machine *machine, const char *option)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus",
				   "2", "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER,
				   "--control", control_path, "--vsock", option));
	shell_ready(machine);
	start_echo(machine);
}

static void start_host_echo(pthread_t *thread, int *listener)
{
	fill_stream();
	cr_assert_eq(pthread_create(thread, NULL, echo, listener), 0);
}

static void end_host_echo(pthread_t thread, int listener)
{
	pthread_cancel(thread); /* no listener of the kernel's can be shut down */
	pthread_join(thread, NULL);
	close(listener);
}

Test(vsock, streams_of_a_linux_guest)
{
	struct machine machine;
	char option[80];
	pthread_t echoer;
	int listener;

	snprintf(control_path, sizeof(control_path), "/tmp/vsock.%d.ctl", (int)getpid());
	snprintf(socket_path, sizeof(socket_path), "/tmp/vsock.%d", (int)getpid());
	snprintf(option, sizeof(option), "cid=3,path=%s", socket_path);
	listener = listen_at(HOST_ECHO);
	start_host_echo(&echoer, &listener);
	boot(&machine, option);
	check_from_guest(&machine);
	check_nobody_listens(&machine);
	check_many(&machine);
	check_there_and_back(pause_now_and_then);
	check_stuck(&machine);
	start_echo(&machine);
	reboot(&machine);
	start_echo(&machine);
	check_there_and_back(NULL);
	cr_expect_eq(counter("tx_bad "), 0);
	cr_expect_eq(counter("tx_overrun "), 0);
	cr_expect_eq(counter("unanswered "), 0);
	shell_off(&machine);
	cr_expect_neq(access(socket_path, F_OK), 0, "it is removed");
	end_host_echo(echoer, listener);
	cr_expect_str_eq(machine.errors, "");
	machine_fini(&machine);
}

Test(vsock, by_the_hosts_kernel)
{
	struct machine machine;
	char option[80];
	pthread_t echoer;
	int listener;

	if (access("/dev/vhost-vsock", R_OK | W_OK) < 0)
		cr_skip_test("no /dev/vhost-vsock: %s", strerror(errno));
	snprintf(control_path, sizeof(control_path), "/tmp/vsock.%d.ctl", (int)getpid());
	kernel_cid = 0x10000u + (unsigned int)getpid();
	snprintf(option, sizeof(option), "cid=%u,vhost=on", kernel_cid);
	listener = listen_in_kernel(HOST_ECHO);
	start_host_echo(&echoer, &listener);
	boot(&machine, option);
	check_from_guest(&machine);
	check_nobody_listens(&machine);
	check_there_and_back(pause_now_and_then);
	reboot(&machine);
	start_echo(&machine);
	check_there_and_back(NULL);
	shell_off(&machine);
	end_host_echo(echoer, listener);
	cr_expect_str_eq(machine.errors, "");
	machine_fini(&machine);
}
