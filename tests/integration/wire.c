/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_init(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		cr_skip_test("no /dev/net/tun: %s", strerror(errno));
	close(fd);
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
}

static void control_interface(int request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(ifr->ifr_name, WIRE_TAP);
	cr_assert_eq(ioctl(fd, (unsigned int)request, ifr), 0, "%s", strerror(errno));
	close(fd);
}

int wire_make_tap(short more)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | more) };
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(ifr.ifr_name, WIRE_TAP);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0, "%s", strerror(errno));
	cr_assert_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	addr.sin_addr.s_addr = inet_addr(WIRE_HOST_IP);
	memcpy(&ifr.ifr_addr, &addr, sizeof(addr));
	control_interface(SIOCSIFADDR, &ifr);
	addr.sin_addr.s_addr = inet_addr("255.255.255.0");
	memcpy(&ifr.ifr_netmask, &addr, sizeof(addr));
	control_interface(SIOCSIFNETMASK, &ifr);
	ifr.ifr_flags = IFF_UP;
	control_interface(SIOCSIFFLAGS, &ifr);
	return fd;
}

static unsigned int nr_clients;

static void *serve(void *arg)
{
	int listener = *(int *)arg;
	char *bytes = malloc(WIRE_AMOUNT);

	for (unsigned int i = 0; i < nr_clients; i++) {
		int client = accept(listener, NULL, NULL);
		size_t have = 0, gone = 0;
		ssize_t n = 1;

		while (have < WIRE_AMOUNT &&
		       (n = read(client, bytes + have, WIRE_AMOUNT - have)) > 0)
			have += (size_t)n;
		while (gone < have && (n = write(client, bytes + gone, have - gone)) > 0)
			gone += (size_t)n;
		close(client);
	}
	free(bytes);
	return NULL;
}

void wire_start_server(pthread_t *thread, int *listener, unsigned int clients)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT) };

	*listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(*listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(*listener, 2), 0);
	nr_clients = clients;
	cr_assert_eq(pthread_create(thread, NULL, serve, listener), 0);
}
