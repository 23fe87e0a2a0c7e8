/* SPDX-License-Identifier: Apache-2.0 */
/* Taps: an interface of the host whose wire we are (Linux Documentation/networking/tuntap.rst). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net_internal.h"

/* Of Linux 6.2 headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_DEVICE "/dev/net/tun"
#define NEW_NAME   "arcvisor%d" /* the kernel finds a number */

_Static_assert(NET_NAME_MAX + 1 == IFNAMSIZ, "names of interfaces");

/* C libraries disagree on the type of ioctl(2)'s request; the system call takes any. */
static int get_interface(int fd, struct ifreq *ifr)
{
#ifdef __GLIBC__
	return ioctl(fd, TUNGETIFF, ifr);
#else
	return ioctl(fd, (int)TUNGETIFF, ifr);
#endif
}

/* ---- offloads -------------------------------------------------------------------------------- */

static unsigned int to_tun(uint32_t offloads)
{
	static const struct {
		uint32_t offload;
		unsigned int tun;
	} map[] = {
		{ NET_OFFLOAD_CSUM, TUN_F_CSUM }, { NET_OFFLOAD_TSO4, TUN_F_TSO4 },
		{ NET_OFFLOAD_TSO6, TUN_F_TSO6 }, { NET_OFFLOAD_ECN, TUN_F_TSO_ECN },
		{ NET_OFFLOAD_UFO, TUN_F_UFO },	  { NET_OFFLOAD_USO, TUN_F_USO4 | TUN_F_USO6 },
	};
	unsigned int tun = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(map); i++)
		if (offloads & map[i].offload)
			tun |= map[i].tun;
	return tun;
}

static int set_offloads(struct net *net, uint32_t offloads)
{
	/* Of the interface: one queue speaks for all. */
	return ioctl(net->fds[0], TUNSETOFFLOAD, to_tun(offloads)) < 0 ? -errno : 0;
}

/* Each is taken where the kernel takes it beside those before; none is on afterwards. */
static int probe_offloads(struct net *net)
{
	static const uint32_t wishes[] = {
		NET_OFFLOAD_CSUM,
		NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6 | NET_OFFLOAD_ECN,
		NET_OFFLOAD_UFO,
		NET_OFFLOAD_USO,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(wishes); i++)
		if (set_offloads(net, net->offloads | wishes[i]) == 0)
			net->offloads |= wishes[i];
	return set_offloads(net, 0);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static int attach_queue(int fd, bool on)
{
	struct ifreq ifr = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	/* EINVAL: it is as it shall be. */
	return ioctl(fd, TUNSETQUEUE, &ifr) < 0 && errno != EINVAL ? -errno : 0;
}

static int set_queues(struct net *net, unsigned int queues)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && net->nr_queues > 1 && i < net->nr_queues; i++)
		ret = attach_queue(net->fds[i], i < queues);
	return ret;
}

/* A descriptor whose interface was deleted has none. */
static bool is_gone(struct net *net, unsigned int queue)
{
	struct ifreq ifr = { 0 };

	return get_interface(net->fds[queue], &ifr) < 0 && errno == EBADFD;
}

static void close_tap(struct net *net)
{
	(void)net; /* its descriptors are all there is */
}

static const struct net_ops tap_ops = {
	.set_offloads = set_offloads,
	.set_queues = set_queues,
	.is_gone = is_gone,
	.close = close_tap,
};

/* ---- opening --------------------------------------------------------------------------------- */

/*
 * What every queue needs: our header, in the byte order of virtio 1, and no limit to what is sent,
 * as a new tap has none: a full one does not tell when it has room again.
 */
static int set_header(int fd)
{
	int size = NET_HEADER_SIZE, little = 1, no_limit = INT_MAX;

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	/* Since Linux 4.5; before, and where it is left out, the host's order, which is that. */
	(void)ioctl(fd, TUNSETVNETLE, &little);
	(void)ioctl(fd, TUNSETSNDBUF, &no_limit);
	return 0;
}

static int refuse_tun(const struct net_config *config, int error)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		log_error("%s: " TUN_DEVICE " is not there; load the module (modprobe tun)",
			  config->id);
	else
		log_error("%s: " TUN_DEVICE ": %s; let this user read and write it", config->id,
			  strerror(error));
	return -error;
}

static const char *name_of(const struct net_config *config)
{
	return config->tap[0] ? config->tap : "auto";
}

static int refuse_interface(const struct net_config *config, const struct net *net, int error)
{
	const char *name = name_of(config);

	switch (error) {
	case EPERM:
	case EACCES:
		log_error("--net tap=%s: making or taking a tap needs CAP_NET_ADMIN; as root: ip "
			  "tuntap add NAME mode tap vnet_hdr user USER, then tap=NAME as USER",
			  name);
		break;
	case EBUSY:
		log_error("--net tap=%s: another process has it; end that, or take another tap",
			  name);
		break;
	case EINVAL:
		if (net->nr_queues > 1)
			log_error("--net tap=%s: no tap of several queues; make it with ip tuntap "
				  "add %s mode tap vnet_hdr multi_queue, or leave out queues=",
				  name, name);
		else
			log_error("--net tap=%s: is no tap; name one that ip tuntap shows", name);
		break;
	default:
		log_error("--net tap=%s: %s", name, strerror(error));
	}
	return -error;
}

/* @ifr has flags and name; has the name that it got. */
static int open_queue(const struct net_config *config, struct net *net, unsigned int queue,
		      struct ifreq *ifr)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return refuse_tun(config, errno);
	net->fds[queue] = fd;
	ret = ioctl(fd, TUNSETIFF, ifr) < 0 ? errno : 0;
	/* One that can have several queues is taken with one, too. */
	if (ret == EINVAL && net->nr_queues == 1 && config->tap[0]) {
		ifr->ifr_flags |= IFF_MULTI_QUEUE;
		ret = ioctl(fd, TUNSETIFF, ifr) < 0 ? errno : 0;
	}
	if (ret)
		return refuse_interface(config, net, ret);
	ret = set_header(fd);
	if (ret < 0)
		log_error("--net tap=%s: the host's kernel has no virtio headers of 12 bytes; use "
			  "Linux 5.10 or later",
			  name_of(config));
	return ret;
}

/* A new interface is ours to bring up; one that was there is its owner's. */
static int bring_up(const struct net *net)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = fd < 0 ? -errno : 0;

	memcpy(ifr.ifr_name, net->name, IFNAMSIZ);
	if (ret == 0 && net->mtu) {
		ifr.ifr_mtu = (int)net->mtu;
		ret = ioctl(fd, SIOCSIFMTU, &ifr) < 0 ? -errno : 0;
	}
	ifr.ifr_flags = IFF_UP;
	if (ret == 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		log_error("--net tap=auto: %s cannot be brought up: %s", net->name, strerror(-ret));
	return ret;
}

static int is_there(const struct net_config *config)
{
	if (!config->tap[0] || if_nametoindex(config->tap))
		return 0;
	log_error("--net tap=%s: there is no such interface; make it with ip tuntap add %s mode "
		  "tap vnet_hdr user USER, or give tap=auto",
		  config->tap, config->tap);
	return -ENODEV;
}

int tap_open(const struct net_config *config, struct net *net)
{
	struct ifreq ifr = { 0 };
	int ret = is_there(config);

	net->kind = "tap";
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (net->nr_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", config->tap[0] ? config->tap : NEW_NAME);
	for (unsigned int i = 0; ret == 0 && i < net->nr_queues; i++)
		ret = open_queue(config, net, i, &ifr);
	if (ret < 0)
		return ret;
	net->ops = &tap_ops;
	memcpy(net->name, ifr.ifr_name, IFNAMSIZ);
	if (!config->tap[0]) {
		ret = bring_up(net);
		if (ret < 0)
			return ret;
		/* Not the log's to leave out at some level: without the name it is of no use. */
		dprintf(STDERR_FILENO, "arcvisor: %s: %s\n", net->id, net->name);
	}
	return probe_offloads(net);
}

/* ---- a tap that somebody else opened --------------------------------------------------------- */

static int refuse_fd(const struct net_config *config, const char *why)
{
	log_error("--net fd=%d: %s; open " TUN_DEVICE " with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR, "
		  "and hand it on",
		  config->fd, why);
	return -EINVAL;
}

int tap_adopt(const struct net_config *config, struct net *net)
{
	struct ifreq ifr = { 0 };
	int flags = fcntl(config->fd, F_GETFL), wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

	if (flags < 0)
		return refuse_fd(config, "no such descriptor");
	if (get_interface(config->fd, &ifr) < 0)
		return refuse_fd(config, "is no tap");
	if ((ifr.ifr_flags & wanted) != wanted)
		return refuse_fd(config, "lacks one of the flags");
	if (fcntl(config->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(config->fd, F_SETFD, FD_CLOEXEC) < 0 || set_header(config->fd) < 0)
		return refuse_fd(config, "cannot be used");
	net->ops = &tap_ops;
	net->kind = "tap";
	net->fds[0] = config->fd;
	memcpy(net->name, ifr.ifr_name, IFNAMSIZ);
	return probe_offloads(net);
}
