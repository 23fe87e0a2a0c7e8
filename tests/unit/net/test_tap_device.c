/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device on a tap of the kernel: what a socket of the host sends, a driver gets, and
 * the other way, with the work of checksums and segments left to whoever takes it.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../virtio/driver.c"
#include "../virtio/net_rig.c"
#include "base/util.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define HOST_IP	   "192.0.2.1"
#define GUEST_IP   "192.0.2.2"
#define HOST_PORT  5000
#define GUEST_PORT 6000
#define HEADERS	   42u /* Ethernet, IPv4, UDP */
#define SEGMENT	   500u

static struct net_rig rig;
static struct net *net;
static uint8_t host_mac[NET_MAC_SIZE];
static int sock = -1;

static void control(unsigned long request, struct ifreq *ifr)
{
	strcpy(ifr->ifr_name, net->name);
	cr_assert_eq(ioctl(sock, request, ifr), 0, "%s", strerror(errno));
}

static void put_address(struct sockaddr *to, const char *ip, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	addr.sin_addr.s_addr = inet_addr(ip);
	memcpy(to, &addr, sizeof(addr));
}

/* The interface has an address, and knows the guest's. */
static void set_up_interface(void)
{
	struct ifreq ifr = { 0 };
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };

	put_address(&ifr.ifr_addr, HOST_IP, 0);
	control(SIOCSIFADDR, &ifr);
	put_address(&ifr.ifr_netmask, "255.255.255.0", 0);
	control(SIOCSIFNETMASK, &ifr);
	put_address(&arp.arp_pa, GUEST_IP, 0);
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, net->mac, NET_MAC_SIZE);
	strcpy(arp.arp_dev, net->name);
	cr_assert_eq(ioctl(sock, SIOCSARP, &arp), 0, "%s", strerror(errno));
	control(SIOCGIFHWADDR, &ifr);
	memcpy(host_mac, ifr.ifr_hwaddr.sa_data, NET_MAC_SIZE);
}

static void connect_socket(void)
{
	struct sockaddr addr;

	put_address(&addr, HOST_IP, HOST_PORT);
	cr_assert_eq(bind(sock, &addr, sizeof(addr)), 0, "%s", strerror(errno));
	put_address(&addr, GUEST_IP, GUEST_PORT);
	cr_assert_eq(connect(sock, &addr, sizeof(addr)), 0, "%s", strerror(errno));
}

/* The rig's device on the tap in place of a socket. */
static void make_device(void)
{
	net_rig_prepare(&rig);
	close(rig.net.fds[0]);
	rig.net.fds[0] = net->fds[0];
	net->fds[0] = -1; /* closed by the rig */
	rig.net.ops = net->ops;
	rig.net.offloads = net->offloads;
	rig.net.nr_queues = 1;
	net_rig_init(&rig);
}

static void init(void)
{
	struct net_config config = { .kind = NET_TAP, .id = "net0", .fd = -1, .has_mac = true };
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 7 };
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		cr_skip_test("no /dev/net/tun: %s", strerror(errno));
	close(fd);
	memcpy(config.mac, mac, sizeof(mac));
	cr_assert_eq(net_open(&config, &net), 0);
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	set_up_interface();
	connect_socket();
	make_device();
}

static void fini(void)
{
	net_rig_fini(&rig);
	net_close(net);
	close(sock);
}

TestSuite(tap_device, .init = init, .fini = fini);

/* ---- into the guest -------------------------------------------------------------------------- */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The datagram for the guest's port, behind its header; what else hosts say is passed over. */
static const uint8_t *receive(uint32_t *len)
{
	struct virtq_used_elem elem;
	uint8_t *bytes = net_rig_host(&rig, NET_RIG_DATA);

	for (;;) {
		net_rig_give(&rig, RX0, 0, 4096);
		while (!driver_used(&rig.drivers[RX0], &elem))
			net_rig_serve(&rig);
		if (elem.len >= 12 + HEADERS && get16(bytes + 12 + 12) == 0x0800 &&
		    bytes[12 + 23] == 17 && get16(bytes + 12 + 36) == GUEST_PORT)
			break;
	}
	*len = elem.len - 12;
	return bytes;
}

static uint32_t sum_of(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(at + i);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Addresses, protocol and length: what a UDP checksum begins with. */
static uint32_t pseudo_sum(const uint8_t *frame, uint32_t udp_len)
{
	return sum_of(frame + 26, 8) + 17 + udp_len;
}

Test(tap_device, a_checksum_is_left_to_the_guest)
{
	struct vnet_header header;
	const uint8_t *bytes;
	uint32_t len;

	net_rig_start(&rig, 0);
	cr_assert_eq(send(sock, host_mac, 6, 0), 6);
	bytes = receive(&len);
	memcpy(&header, bytes, sizeof(header));
	cr_expect_eq(len, HEADERS + 6);
	cr_expect_eq(header.flags, VNET_HDR_NEEDS_CSUM);
	cr_expect_eq(header.gso_type, VNET_GSO_NONE);
	cr_expect_eq(header.csum_start, 34);
	cr_expect_eq(header.csum_offset, 6);
	cr_expect_eq(header.num_buffers, 1);
	cr_expect_eq(get16(bytes + 12 + 40), fold(pseudo_sum(bytes + 12, 14)), "half of it");
}

Test(tap_device, a_guest_that_cannot_gets_whole_checksums)
{
	struct vnet_header header;
	const uint8_t *bytes;
	uint32_t len;

	net_rig_start(&rig, BIT64(VNET_F_GUEST_CSUM));
	cr_assert_eq(send(sock, host_mac, 6, 0), 6);
	bytes = receive(&len);
	memcpy(&header, bytes, sizeof(header));
	cr_expect_eq(header.flags & VNET_HDR_NEEDS_CSUM, 0);
	cr_expect_eq(fold(pseudo_sum(bytes + 12, 14) + sum_of(bytes + 12 + 34, 14)), 0xffff);
}

Test(tap_device, segments_are_left_to_the_guest)
{
	const int size = SEGMENT;
	uint8_t data[3 * SEGMENT] = { 0 };
	struct vnet_header header;
	const uint8_t *bytes;
	uint32_t len;

	if (!(rig.net.offloads & NET_OFFLOAD_USO))
		cr_skip_test("this kernel's taps have no USO");
	net_rig_start(&rig, 0);
	cr_assert_eq(setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	cr_assert_eq(send(sock, data, sizeof(data), 0), (ssize_t)sizeof(data));
	bytes = receive(&len);
	memcpy(&header, bytes, sizeof(header));
	cr_expect_eq(len, HEADERS + sizeof(data));
	cr_expect_eq(header.gso_type, VNET_GSO_UDP_L4);
	cr_expect_eq(header.gso_size, SEGMENT);
}

Test(tap_device, a_guest_that_cannot_gets_segments)
{
	const int size = SEGMENT;
	uint8_t data[3 * SEGMENT] = { 0 };
	uint32_t len;

	net_rig_start(&rig, BIT64(VNET_F_GUEST_USO4));
	cr_assert_eq(setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	cr_assert_eq(send(sock, data, sizeof(data), 0), (ssize_t)sizeof(data));
	for (unsigned int i = 0; i < 3; i++) {
		const uint8_t *bytes = receive(&len);

		cr_expect_eq(len, HEADERS + SEGMENT);
		cr_expect_eq(bytes[1], VNET_GSO_NONE);
	}
}

/* ---- out of the guest ------------------------------------------------------------------------ */

static void put16(uint8_t *at, uint16_t val)
{
	at[0] = (uint8_t)(val >> 8);
	at[1] = (uint8_t)val;
}

/* A datagram of @len bytes of @byte, with half a checksum; @header says what is left to do. */
static void send_datagram(const struct vnet_header *header, uint16_t len, uint8_t byte)
{
	uint8_t *frame = net_rig_host(&rig, NET_RIG_DATA + 0x10000 + 12);
	const struct driver_buf buf = { NET_RIG_DATA + 0x10000, 12 + HEADERS + len, false };
	struct in_addr from = { inet_addr(GUEST_IP) }, to = { inet_addr(HOST_IP) };

	memcpy(frame - 12, header, 12);
	memset(frame, 0, HEADERS);
	memcpy(frame, host_mac, 6);
	memcpy(frame + 6, rig.net.mac, 6);
	put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	put16(frame + 16, (uint16_t)(28 + len));
	frame[22] = 64;
	frame[23] = 17;
	memcpy(frame + 26, &from, 4);
	memcpy(frame + 30, &to, 4);
	put16(frame + 24, (uint16_t)~fold(sum_of(frame + 14, 20)));
	put16(frame + 34, GUEST_PORT);
	put16(frame + 36, HOST_PORT);
	put16(frame + 38, (uint16_t)(8 + len));
	put16(frame + 40, fold(pseudo_sum(frame, 8u + len)));
	memset(frame + HEADERS, byte, len);
	driver_offer(&rig.drivers[TX0], driver_chain(&rig.drivers[TX0], &buf, 1));
	net_rig_serve(&rig);
}

static void expect_datagram(size_t len, uint8_t byte)
{
	uint8_t got[2048];
	ssize_t n = recv(sock, got, sizeof(got), 0);

	cr_assert_eq(n, (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(got[i], byte);
}

Test(tap_device, a_checksum_is_left_to_the_host)
{
	const struct vnet_header header = { .flags = 1, .csum_start = 34, .csum_offset = 6 };

	net_rig_start(&rig, 0);
	send_datagram(&header, 100, 0x31);
	expect_datagram(100, 0x31);
}

Test(tap_device, segments_are_left_to_the_host)
{
	const struct vnet_header header = { .flags = 1,
					    .gso_type = VNET_GSO_UDP_L4,
					    .hdr_len = HEADERS,
					    .gso_size = SEGMENT,
					    .csum_start = 34,
					    .csum_offset = 6 };
	struct vnet_stats stats;

	if (!(rig.net.offloads & NET_OFFLOAD_USO))
		cr_skip_test("this kernel's taps have no USO");
	net_rig_start(&rig, 0);
	send_datagram(&header, 3 * SEGMENT, 0x32);
	for (unsigned int i = 0; i < 3; i++)
		expect_datagram(SEGMENT, 0x32);
	vnet_get_stats(rig.vnet, &stats);
	cr_expect_eq(stats.tx_large, 1);
	cr_expect_eq(stats.tx_dropped + stats.tx_bad, 0);
}

/* The kernel looks at what is left with its own eyes. */
Test(tap_device, what_the_host_refuses_is_counted)
{
	const struct vnet_header odd = { .flags = 1,
					 .gso_type = VNET_GSO_UDP,
					 .hdr_len = HEADERS,
					 .gso_size = SEGMENT,
					 .csum_start = 14,
					 .csum_offset = 0 };
	const struct vnet_header fine = { .flags = 1, .csum_start = 34, .csum_offset = 6 };
	struct vnet_stats stats;

	net_rig_start(&rig, 0);
	send_datagram(&odd, 3 * SEGMENT, 0x33);
	send_datagram(&fine, 100, 0x34);
	expect_datagram(100, 0x34);
	vnet_get_stats(rig.vnet, &stats);
	cr_expect_eq(stats.tx_packets + stats.tx_dropped, 2);
	cr_expect_eq(stats.link, true);
}
