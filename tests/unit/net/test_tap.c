/* SPDX-License-Identifier: Apache-2.0 */
/* Taps of the kernel, each test in a network of its own; skipped where there can be none. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

static struct net_config config;
static struct net *net;
static int errors = -1;

static void init(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		cr_skip_test("no /dev/net/tun: %s", strerror(errno));
	close(fd);
	config = (struct net_config){ .kind = NET_TAP, .id = "net0", .fd = -1 };
	net = NULL;
}

static void fini(void)
{
	net_close(net);
}

TestSuite(tap, .init = init, .fini = fini);

/* What standard error gets from here on. */
static void capture(void)
{
	errors = memfd_create("errors", MFD_CLOEXEC);
	cr_assert(errors >= 0 && dup2(errors, STDERR_FILENO) >= 0);
}

static void expect_line(const char *part)
{
	char text[1024] = { 0 };

	cr_assert(pread(errors, text, sizeof(text) - 1, 0) >= 0);
	cr_expect(strstr(text, part), "no \"%s\" in: %s", part, text);
	cr_expect_str_eq(strchr(text, '\n') ? strchr(text, '\n') : "", "\n", "one line: %s", text);
}

/* A tap that stays when nobody has it open. */
static void make_tap(const char *name, short more)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | more) };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(ifr.ifr_name, name);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	cr_assert_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	close(fd);
}

static void refused(int error, const char *line)
{
	capture();
	cr_expect_eq(net_open(&config, &net), error);
	expect_line(line);
	net = NULL;
}

Test(tap, a_new_one_is_up_and_named)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	config.mtu = 1400;
	capture();
	cr_assert_eq(net_open(&config, &net), 0);
	expect_line("arcvisor: net0: arcvisor0\n");
	cr_expect_str_eq(net->name, "arcvisor0");
	cr_expect_eq(net->mac[0] & 3, 2, "of nobody's range");
	strcpy(ifr.ifr_name, net->name);
	cr_assert_eq(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	cr_expect(ifr.ifr_flags & IFF_UP);
	cr_assert_eq(ioctl(fd, SIOCGIFMTU, &ifr), 0);
	cr_expect_eq(ifr.ifr_mtu, 1400);
	close(fd);
}

Test(tap, one_that_is_there)
{
	static const uint8_t mac[] = { 2, 3, 4, 5, 6, 7 };

	make_tap("there", 0);
	strcpy(config.tap, "there");
	config.has_mac = true;
	memcpy(config.mac, mac, 6);
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect_str_eq(net->name, "there");
	cr_expect_eq(memcmp(net->mac, mac, 6), 0);
	cr_expect_eq(net->nr_queues, 1);
}

Test(tap, offloads_are_those_of_the_kernel)
{
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect(net->offloads & NET_OFFLOAD_CSUM);
	cr_expect(net->offloads & NET_OFFLOAD_TSO4);
	cr_expect_eq(net_set_offloads(net, UINT32_MAX), 0, "what it has not is left out");
	cr_expect_eq(net_set_offloads(net, NET_OFFLOAD_CSUM), 0);
	cr_expect_eq(net_set_offloads(net, 0), 0);
}

Test(tap, several_queues)
{
	config.queues = 3;
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect(net->fds[2] >= 0 && net->fds[3] < 0);
	for (unsigned int queues = 3; queues; queues--) {
		cr_expect_eq(net_set_queues(net, queues), 0);
		cr_expect_eq(net->active, queues);
		cr_expect_eq(net_set_queues(net, queues), 0, "again");
	}
	cr_expect_eq(net_set_queues(net, 3), 0);
}

Test(tap, one_of_several_queues_is_taken_with_one)
{
	make_tap("many", IFF_MULTI_QUEUE);
	strcpy(config.tap, "many");
	cr_assert_eq(net_open(&config, &net), 0);
}

Test(tap, deleted)
{
	struct pollfd fd;

	make_tap("there", 0);
	strcpy(config.tap, "there");
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect_not(net_check_gone(net, 0));
	fd = (struct pollfd){ .fd = net->fds[0], .events = POLLIN };
	if (system("ip link delete there") != 0)
		cr_skip_test("no ip(8)");
	capture();
	cr_expect_eq(poll(&fd, 1, -1), 1);
	cr_expect(fd.revents & POLLERR);
	cr_expect(net_check_gone(net, 0));
	cr_expect(net_check_gone(net, 0));
	expect_line("net0: tap there is gone; the guest's link is down");
	cr_expect_eq(net_set_offloads(net, 0), -EBADFD);
}

/* Twelve bytes stand before a packet, those that virtio 1 says. */
Test(tap, a_packet_comes_behind_its_header)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	uint8_t frame[60], got[128];
	struct pollfd tap;
	ssize_t n;

	memset(frame, 0x5a, sizeof(frame));
	frame[12] = 0x88; /* the type that the socket takes */
	frame[13] = 0xb5;
	cr_assert_eq(net_open(&config, &net), 0);
	to.sll_ifindex = (int)if_nametoindex(net->name);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	tap = (struct pollfd){ .fd = net->fds[0], .events = POLLIN };
	cr_assert_eq(send(fd, frame, sizeof(frame), 0), (ssize_t)sizeof(frame));
	do { /* others may speak of their own accord */
		cr_assert_eq(poll(&tap, 1, -1), 1);
		n = read(net->fds[0], got, sizeof(got));
	} while (n != 72 || memcmp(got + 12, frame, sizeof(frame)) != 0);
	cr_expect_eq(memcmp(got, "\0\0\0\0\0\0\0\0\0\0", 10), 0, "nothing is left to do");
	memset(got, 0, 12);
	cr_assert_eq(write(net->fds[0], got, 72), 72);
	cr_expect_eq(recv(fd, frame, sizeof(frame), 0), 60);
	close(fd);
}

/* ---- refused --------------------------------------------------------------------------------- */

Test(tap, refused_no_such_interface)
{
	strcpy(config.tap, "nowhere");
	refused(-ENODEV, "--net tap=nowhere: there is no such interface; make it with ip tuntap");
}

Test(tap, refused_no_tap)
{
	strcpy(config.tap, "lo");
	refused(-EINVAL, "--net tap=lo: is no tap; name one that ip tuntap shows");
}

Test(tap, refused_in_use)
{
	struct net *first;

	make_tap("there", 0);
	strcpy(config.tap, "there");
	cr_assert_eq(net_open(&config, &first), 0);
	refused(-EBUSY, "--net tap=there: another process has it");
	net = first;
}

Test(tap, refused_of_one_queue)
{
	make_tap("one", 0);
	strcpy(config.tap, "one");
	config.queues = 2;
	refused(-EINVAL, "--net tap=one: no tap of several queues; make it with ip tuntap add one "
			 "mode tap vnet_hdr multi_queue");
}

Test(tap, refused_without_the_privilege)
{
	if (setresuid(65534, 65534, 65534) < 0)
		cr_skip_test("this user cannot become another");
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		refused(-EACCES, "net0: /dev/net/tun: Permission denied; let this user read and "
				 "write it");
	else
		refused(-EPERM, "--net tap=auto: making or taking a tap needs CAP_NET_ADMIN; as "
				"root: ip tuntap add NAME mode tap vnet_hdr user USER");
}

static void refused_fd(int fd, const char *line)
{
	config.kind = NET_FD;
	config.fd = fd;
	refused(-EINVAL, line);
}

Test(tap, refused_descriptors)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	refused_fd(900, "--net fd=900: no such descriptor; open /dev/net/tun with IFF_TAP");
	refused_fd(memfd_create("none", 0), "is no tap; open");
	refused_fd(fd, "is no tap; open");
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	refused_fd(fd, "lacks one of the flags; open");
}

Test(tap, adopted)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	config.kind = NET_FD;
	config.fd = open("/dev/net/tun", O_RDWR);
	strcpy(ifr.ifr_name, "handed");
	cr_assert_eq(ioctl(config.fd, TUNSETIFF, &ifr), 0);
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect_str_eq(net->name, "handed");
	cr_expect(fcntl(config.fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(config.fd, F_GETFL) & O_NONBLOCK);
	cr_expect(net->offloads & NET_OFFLOAD_CSUM);
}
