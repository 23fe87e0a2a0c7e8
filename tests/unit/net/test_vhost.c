/* SPDX-License-Identifier: Apache-2.0 */
/* What a card by the host's kernel needs of the host beside its tap. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_internal.h"

TestSuite(net_vhost);

Test(net_vhost, no_such_kernel_is_refused_by_name)
{
	const struct net_config config = { .kind = NET_TAP, .id = "net0", .fd = -1, .vhost = true };
	struct net *net;

	if (access("/dev/vhost-net", F_OK) == 0)
		cr_skip_test("there is one");
	cr_expect_eq(net_open(&config, &net), -ENOENT, "and no tap is made before");
}

static void bring_up_lo(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &ifr), 0, "%s", strerror(errno));
	close(fd);
}

Test(net_vhost, an_interface_that_changes_is_told)
{
	struct pollfd watch = { .events = POLLIN };

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	watch.fd = link_watch();
	cr_assert_geq(watch.fd, 0);
	cr_expect_not(link_changed(watch.fd));
	bring_up_lo();
	cr_assert_eq(poll(&watch, 1, -1), 1);
	cr_expect(link_changed(watch.fd));
	cr_expect_not(link_changed(watch.fd), "it was emptied");
	close(watch.fd);
}

Test(net_vhost, an_interface_counts)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct net_counts before, after;
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	bring_up_lo();
	cr_assert_eq(link_get_counts("lo", &before), 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr)), 1);
	cr_assert_eq(link_get_counts("lo", &after), 0);
	cr_expect_geq(after.rx_packets, before.rx_packets + 1);
	cr_expect_geq(after.rx_bytes, before.rx_bytes + 29);
	cr_expect_eq(after.tx_bad, 0);
	close(fd);
	cr_expect_eq(link_get_counts("nosuch0", &after), -ENODEV);
}
