/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network cards of an unmodified Debian kernel. Each test has a network of its own in the host,
 * with nothing in it but its tap. Skipped where the host gives no such thing.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"
#include "shell.h"

#define TAP	   "tap0"
#define HOST_IP	   "192.0.2.1"
#define GATEWAY_IP "192.0.2.254" /* by passt: the host itself */
#define PORT	   7
#define AMOUNT	   (2u << 20) /* bytes that go each way */

#define PASST "bin/passt"

static char socket_path[32]; /* a test's own: two may run at once */

static void control_interface(int request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(ifr->ifr_name, TAP);
	cr_assert_eq(ioctl(fd, (unsigned int)request, ifr), 0, "%s", strerror(errno));
	close(fd);
}

/* A tap that stays, with an address, and up; opened: it has a carrier until that is closed. */
static int make_tap(short more)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | more) };
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(ifr.ifr_name, TAP);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0, "%s", strerror(errno));
	cr_assert_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	addr.sin_addr.s_addr = inet_addr(HOST_IP);
	memcpy(&ifr.ifr_addr, &addr, sizeof(addr));
	control_interface(SIOCSIFADDR, &ifr);
	addr.sin_addr.s_addr = inet_addr("255.255.255.0");
	memcpy(&ifr.ifr_netmask, &addr, sizeof(addr));
	control_interface(SIOCSIFNETMASK, &ifr);
	ifr.ifr_flags = IFF_UP;
	control_interface(SIOCSIFFLAGS, &ifr);
	return fd;
}

static void init(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		cr_skip_test("no /dev/net/tun: %s", strerror(errno));
	close(fd);
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	snprintf(socket_path, sizeof(socket_path), "/tmp/net.%d", (int)getpid());
}

TestSuite(net, .init = init);

static void ctl(const char *command)
{
	struct machine client;

	cr_expect_eq(machine_run(&client, MACHINE_ARGS("ctl", socket_path, command)), 0, "%s: %s",
		     command, client.errors);
	machine_fini(&client);
}

/* What `ctl status` says of the card's @name. */
static unsigned long long counter(const char *name)
{
	unsigned long long value;
	struct machine client;
	const char *at;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", socket_path, "status")), 0);
	at = strstr(client.text, name);
	cr_assert(at, "no %s in: %s", name, client.text);
	value = strtoull(at + strlen(name), NULL, 10);
	machine_fini(&client);
	return value;
}

/* ---- a server in the host -------------------------------------------------------------------- */

/* Takes AMOUNT bytes of each client and gives them back when it has them all; two clients. */
static void *serve(void *arg)
{
	int listener = *(int *)arg;
	char *bytes = malloc(AMOUNT);

	for (unsigned int i = 0; i < 2; i++) {
		int client = accept(listener, NULL, NULL);
		size_t have = 0, gone = 0;
		ssize_t n = 1;

		while (have < AMOUNT && (n = read(client, bytes + have, AMOUNT - have)) > 0)
			have += (size_t)n;
		while (gone < have && (n = write(client, bytes + gone, have - gone)) > 0)
			gone += (size_t)n;
		close(client);
	}
	free(bytes);
	return NULL;
}

static void start_server(pthread_t *thread, int *listener)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	*listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(*listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(*listener, 2), 0);
	cr_assert_eq(pthread_create(thread, NULL, serve, listener), 0);
}

/* ---- the guest ------------------------------------------------------------------------------- */

static void boot(struct machine *machine, const char *net)
{
	machine_start(machine, MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD,
					    "--cpus", "2", "--cmdline", "console=ttyAMA0 quiet",
					    "--control", socket_path, "--net", net));
	shell_ready(machine);
}

static void bring_up(struct machine *machine)
{
	shell(machine,
	      "ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up && "
	      "ping -c 2 -s 1400 " HOST_IP " >/tmp/ping && echo reached-'host' || cat /tmp/ping",
	      "reached-host");
}

/*
 * There and back, and every byte is the same. Only the server closes: the FIFO has no end, which nc
 * would pass on. The passt of Debian 13 resets a connection of which both sides have closed when
 * the guest acknowledges all that it was sent, though more waits for its window.
 */
static void check_data(struct machine *machine, const char *server)
{
	char command[240];

	snprintf(command, sizeof(command),
		 "rm -f /tmp/f; mkfifo /tmp/f; head -c 2097152 /dev/urandom >/tmp/r; "
		 "cat /tmp/r >/tmp/f & nc %s 7 <>/tmp/f >/tmp/g; "
		 "cmp /tmp/r /tmp/g && echo all-'bytes' same || echo all-'bytes' other",
		 server);
	shell(machine, command, "all-bytes ");
	cr_assert_not(strstr(machine->text, "all-bytes other"), "%s\n%s", machine->text,
		      machine->errors);
}

static void check_gone(struct machine *machine)
{
	cr_assert_eq(system("ip link delete " TAP), 0);
	shell(machine,
	      "while [ $(cat /sys/class/net/eth0/carrier) != 0 ]; do :; done; echo down-'now'",
	      "down-now");
	shell(machine, "ping -c 1 -W 1 " HOST_IP " >/dev/null 2>&1 || echo alive-'still'",
	      "alive-still");
	cr_expect_eq(count_text(machine->errors, "\n"), 1, "%s", machine->errors);
	cr_expect(strstr(machine->errors, "net0: tap " TAP " is gone; the guest's link is down"));
}

/* ---- passt ----------------------------------------------------------------------------------- */

/* The way out of the host, which a guest's is made after. */
static void make_route(void)
{
	struct sockaddr_in gateway = { .sin_family = AF_INET }, any = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	gateway.sin_addr.s_addr = inet_addr(GATEWAY_IP);
	memcpy(&route.rt_gateway, &gateway, sizeof(gateway));
	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	cr_assert_eq(ioctl(fd, SIOCADDRT, &route), 0, "%s", strerror(errno));
	close(fd);
}

/* What came by the port of the host that is the guest's. */
static void check_forward(struct machine *machine)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7001) };
	char text[16] = { 0 };
	size_t len = 0;
	ssize_t n = 0;

	addr.sin_addr.s_addr = inet_addr("127.0.0.1");
	shell(machine,
	      "echo in-the-guest | nc -l -p 7002 >/dev/null & "
	      "while ! netstat -ltn | grep -q :7002; do :; done; echo listens-'now'",
	      "listens-now");
	do { /* passt takes a connection before it knows whether the guest does */
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
			while (len < 12 && (n = read(fd, text + len, 12 - len)) > 0)
				len += (size_t)n;
		close(fd);
	} while (len == 0);
	cr_expect_str_eq(text, "in-the-guest");
}

static void kill_passt(void)
{
	cr_assert_eq(system("kill -9 $(pidof passt)"), 0);
}

Test(net, passt_gives_an_address_and_makes_connections)
{
	struct machine machine;
	pthread_t thread;
	int listener, tap;

	if (access(PASST, X_OK) < 0)
		cr_skip_test("no passt");
	host_leave_initramfs();
	setenv("PATH", "bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	tap = make_tap(0);
	make_route();
	start_server(&thread, &listener);
	boot(&machine, "user,mac=02:00:00:00:00:07,tcp=7001:7002");
	shell(&machine,
	      "printf '#!/bin/sh\\n[ $1 = bound ] && ip addr add $ip/24 dev eth0 && "
	      "ip route add default via $router\\n' >/tmp/s; chmod +x /tmp/s; ip link set eth0 up; "
	      "udhcpc -q -i eth0 -s /tmp/s >/dev/null 2>&1; "
	      "ip addr show eth0 | grep -q " HOST_IP " && echo address-'got'",
	      "address-got");
	for (unsigned int i = 0; i < 2; i++)
		check_data(&machine, GATEWAY_IP);
	check_forward(&machine);
	kill_passt();
	shell(&machine,
	      "while [ $(cat /sys/class/net/eth0/carrier) != 0 ]; do :; done; echo down-'now'",
	      "down-now");
	cr_expect_eq(count_text(machine.errors, "net0: passt is gone; the guest's link is down\n"),
		     1, "%s", machine.errors);
	shell_off(&machine);
	pthread_join(thread, NULL);
	close(tap);
	close(listener);
	machine_fini(&machine);
}

/* ---- taps ------------------------------------------------------------------------------------ */

Test(net, a_tap_with_every_offload_through_a_pause_a_reboot_and_its_end)
{
	struct machine machine;
	pthread_t thread;
	int listener;

	close(make_tap(IFF_MULTI_QUEUE));
	start_server(&thread, &listener);
	boot(&machine, "tap=" TAP ",mac=02:00:00:00:00:07,queues=2,mtu=1500");
	shell(&machine, "cat /sys/class/net/eth0/address; echo mac-'done'",
	      "02:00:00:00:00:07\r\nmac-done");
	shell(&machine, "echo queues=$(ls /sys/class/net/eth0/queues | tr '\\n' ' ').",
	      "queues=rx-0 rx-1 tx-0 tx-1 .");
	bring_up(&machine);
	check_data(&machine, HOST_IP);
	cr_expect_eq(counter("queues "), 2);
	cr_expect_gt(counter("tx_large "), 10, "the host cuts what the guest sends");
	cr_expect_gt(counter("rx_large "), 10, "the guest gets what was not cut");
	cr_expect_eq(counter("tx_bad "), 0);
	cr_expect_eq(counter("tx_dropped "), 0);
	ctl("pause");
	ctl("resume");
	machine_send(&machine, "reboot -f\n");
	cr_assert(machine_expect(&machine, PROMPT), "%s\n%s", machine.text, machine.errors);
	bring_up(&machine);
	check_data(&machine, HOST_IP);
	check_gone(&machine);
	shell_off(&machine);
	pthread_join(thread, NULL);
	close(listener);
	machine_fini(&machine);
}
