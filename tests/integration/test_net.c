/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network cards of an unmodified Debian kernel. Each test has a network of its own in the host,
 * with nothing in it but its tap. Skipped where the host gives no such thing.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"
#include "shell.h"
#include "wire.h"

#define TAP	   WIRE_TAP
#define HOST_IP	   WIRE_HOST_IP
#define GATEWAY_IP "192.0.2.254" /* by passt: the host itself */
#define AMOUNT	   WIRE_AMOUNT
#define DEADLINE   300 /* seconds: a hang, on the slowest machine */

#define PASST "bin/passt"

static char socket_path[32]; /* a test's own: two may run at once */

static void init(void)
{
	wire_init();
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

static bool status_has(const char *text)
{
	struct machine client;
	bool has;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", socket_path, "status")), 0);
	has = strstr(client.text, text);
	machine_fini(&client);
	return has;
}

static unsigned long long counter(const char *name)
{
	return machine_counter(socket_path, name);
}

/* ---- the guest ------------------------------------------------------------------------------- */

static void boot(struct machine *machine, const char *net)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus",
				   "2", "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER,
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

/* What one connection to @addr brings, up to @size bytes; 0: it was closed at once. */
static size_t read_from(const struct sockaddr_in *addr, char *text, size_t size)
{
	const struct timeval limit = { .tv_sec = DEADLINE };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		while (len < size && (n = read(fd, text + len, size - len)) > 0)
			len += (size_t)n;
	cr_assert(n >= 0 || errno != EAGAIN, "nothing came, and no end");
	close(fd);
	return len;
}

/*
 * What came by the port of the host that is the guest's. passt takes a connection before it knows
 * whether the guest does, so it is tried again.
 */
static void check_forward(struct machine *machine)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7001) };
	time_t end = time(NULL) + DEADLINE;
	char text[16] = { 0 };

	addr.sin_addr.s_addr = inet_addr("127.0.0.1");
	shell(machine,
	      "echo in-the-guest | nc -l -p 7002 >/dev/null & "
	      "while ! netstat -ltn | grep -q :7002; do :; done; echo listens-'now'",
	      "listens-now");
	while (read_from(&addr, text, 12) == 0)
		cr_assert_lt(time(NULL), end, "no connection reaches the guest");
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
	tap = wire_make_tap(0);
	make_route();
	wire_start_server(&thread, &listener, 2);
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

	close(wire_make_tap(IFF_MULTI_QUEUE));
	wire_start_server(&thread, &listener, 2);
	boot(&machine, "tap=" TAP ",mac=02:00:00:00:00:07,queues=2,mtu=1500");
	shell(&machine, "cat /sys/class/net/eth0/address; echo mac-'done'",
	      "02:00:00:00:00:07\r\nmac-done");
	shell(&machine, "echo queues=$(ls /sys/class/net/eth0/queues | tr '\\n' ' ').",
	      "queues=rx-0 rx-1 tx-0 tx-1 .");
	bring_up(&machine);
	check_data(&machine, HOST_IP);
	cr_expect_eq(counter("queues "), 2);
	cr_expect_gt(counter("tx_large "), 0, "the host cuts what the guest sends");
	cr_expect_gt(counter("rx_large "), 0, "the guest gets what was not cut");
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

/* ---- by the host's kernel -------------------------------------------------------------------- */

static void send_to_guest(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = inet_addr("192.0.2.2");
	cr_assert_eq(sendto(fd, "x", 1, 0, (const struct sockaddr *)&addr, sizeof(addr)), 1);
	close(fd);
}

/* Nothing goes into a guest that is paused; what came meanwhile does afterwards. */
static void check_pause(void)
{
	time_t end = time(NULL) + DEADLINE;
	unsigned long long before;

	ctl("pause");
	cr_expect(status_has("running false"));
	before = counter("rx_packets ");
	send_to_guest();
	cr_expect_eq(counter("rx_packets "), before);
	ctl("resume");
	cr_expect(status_has("running true"));
	while (counter("rx_packets ") == before)
		cr_assert_lt(time(NULL), end, "it gets nothing any more");
}

/* As check_data(), through pauses. */
static void check_data_in_pieces(struct machine *machine)
{
	machine_send(machine, "rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/r >/tmp/f & nc " HOST_IP
			      " 7 <>/tmp/f >/tmp/h; cmp /tmp/r /tmp/h && echo still-'same'\n");
	for (unsigned int i = 0; i < 3; i++)
		check_pause();
	cr_assert(machine_expect(machine, "still-same"), "%s", machine->text);
	cr_assert(machine_expect(machine, PROMPT));
}

/* A guest's CPU sends by its own pair, and the host answers by the queue that asked. */
static void check_both_pairs(struct machine *machine)
{
	cr_expect_eq(counter("queues "), 2);
	shell(machine,
	      "taskset 1 ping -c 1 " HOST_IP " >/tmp/ping && taskset 2 ping -c 1 " HOST_IP
	      " >/tmp/ping && echo by-'both' || cat /tmp/ping",
	      "by-both");
}

Test(net, a_tap_by_the_hosts_kernel)
{
	struct machine machine;
	pthread_t thread;
	int listener;

	if (access("/dev/vhost-net", R_OK | W_OK) < 0)
		cr_skip_test("no /dev/vhost-net: %s", strerror(errno));
	close(wire_make_tap(IFF_MULTI_QUEUE));
	wire_start_server(&thread, &listener, 3);
	boot(&machine, "tap=" TAP ",mac=02:00:00:00:00:07,queues=2,mtu=1500,vhost=on");
	bring_up(&machine);
	cr_expect(status_has("vhost true") && status_has("running true"));
	check_data(&machine, HOST_IP);
	check_both_pairs(&machine);
	cr_expect_gt(counter("tx_bytes "), AMOUNT);
	cr_expect_gt(counter("rx_bytes "), AMOUNT);
	cr_expect_eq(counter("tx_bad "), 0);
	check_data_in_pieces(&machine);
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
