/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's kernel tells of its interfaces (rtnetlink(7)), of this process's network. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_internal.h"

static int open_socket(uint32_t groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int ret;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int link_watch(void)
{
	return open_socket(RTMGRP_LINK);
}

/* What it says is not looked at: also a message that was lost, ENOBUFS, is one. */
bool link_changed(int fd)
{
	bool any = false;
	char byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS)
		any = true;
	return any;
}

/* ---- counters -------------------------------------------------------------------------------- */

struct request {
	struct nlmsghdr header;
	struct if_stats_msg body;
};

struct answer {
	struct nlmsghdr header;
	struct if_stats_msg body;
	struct rtattr attr;
	struct rtnl_link_stats64 stats;
};

_Static_assert(sizeof(struct nlmsghdr) % NLMSG_ALIGNTO == 0 &&
		       sizeof(struct if_stats_msg) % NLMSG_ALIGNTO == 0 &&
		       sizeof(struct rtattr) % RTA_ALIGNTO == 0,
	       "nothing lies between the parts");

static int ask(int fd, int index)
{
	const struct request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETSTATS,
			    .nlmsg_flags = NLM_F_REQUEST },
		.body = { .family = AF_UNSPEC,
			  .ifindex = (uint32_t)index,
			  .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) },
	};

	return send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request) ? 0 : -errno;
}

/*
 * The kernel answers before send(2) returns. Its statistics grow at their end from version to
 * version: those of Linux 5.10 are the least.
 */
static int take_answer(int fd, struct rtnl_link_stats64 *stats)
{
	union {
		struct answer answer;
		char bytes[1024];
	} in;
	ssize_t n = recv(fd, &in, sizeof(in), 0);
	const struct answer *answer = &in.answer;
	size_t len;

	if (n < 0)
		return -errno;
	if ((size_t)n < offsetof(struct answer, stats) ||
	    answer->header.nlmsg_type != RTM_NEWSTATS ||
	    answer->attr.rta_type != IFLA_STATS_LINK_64 ||
	    answer->attr.rta_len < sizeof(answer->attr))
		return -EPROTO;
	len = answer->attr.rta_len - sizeof(answer->attr);
	if (len > (size_t)n - offsetof(struct answer, stats))
		return -EPROTO;
	memset(stats, 0, sizeof(*stats));
	memcpy(stats, &answer->stats, len < sizeof(*stats) ? len : sizeof(*stats));
	return 0;
}

/* What an interface sends goes into the guest. A tap counts a header that cannot be as a frame. */
static void take_counts(const struct rtnl_link_stats64 *stats, struct net_counts *counts)
{
	*counts = (struct net_counts){
		.rx_packets = stats->tx_packets,
		.rx_bytes = stats->tx_bytes,
		.rx_dropped = stats->tx_dropped,
		.tx_packets = stats->rx_packets,
		.tx_bytes = stats->rx_bytes,
		.tx_dropped = stats->rx_dropped,
		.tx_bad = stats->rx_frame_errors,
	};
}

int link_get_counts(const char *name, struct net_counts *counts)
{
	unsigned int index = if_nametoindex(name);
	struct rtnl_link_stats64 stats;
	int fd, ret;

	if (!index)
		return -ENODEV;
	fd = open_socket(0);
	if (fd < 0)
		return fd;
	ret = ask(fd, (int)index);
	if (ret == 0)
		ret = take_answer(fd, &stats);
	close(fd);
	if (ret == 0)
		take_counts(&stats, counts);
	return ret;
}
