/* SPDX-License-Identifier: Apache-2.0 */
#include "vsock/vsock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "vsock/vhost.h"

#define OPTION	"--vsock"
#define BACKLOG 128
#define OTHERS	512u /* descriptors of all the rest */

int vsock_check(const struct vsock_config *config)
{
	return config->path ? local_socket_check(OPTION, config->path) : 0;
}

/* A wish: without, connections are refused when there are no more descriptors. */
static void want_descriptors(unsigned int count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= count)
		return;
	limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < count)
		log_info("vsock: this process has %llu descriptors, and fewer connections than %u; "
			 "raise ulimit -n",
			 (unsigned long long)limit.rlim_cur, VSOCK_MAX_CONNECTIONS);
}

int vsock_open(const struct vsock_config *config, struct vsock **out)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));
	int ret;

	if (!vsock)
		return -ENOMEM;
	vsock->cid = config->cid;
	vsock->path = config->path;
	vsock->max_connections = VSOCK_MAX_CONNECTIONS;
	vsock->listener.fd = vsock->vhost = -1;
	if (config->vhost)
		ret = vsock_vhost_open(vsock);
	else
		ret = local_socket_listen(OPTION, config->path, BACKLOG, &vsock->listener);
	if (ret < 0) {
		free(vsock);
		return ret;
	}
	if (!config->vhost)
		want_descriptors(VSOCK_MAX_CONNECTIONS + OTHERS);
	*out = vsock;
	return 0;
}

void vsock_close(struct vsock *vsock)
{
	if (!vsock)
		return;
	vsock_vhost_close(vsock);
	local_socket_close(vsock->path, &vsock->listener);
	free(vsock);
}

int vsock_accept(struct vsock *vsock)
{
	int fd = accept4(vsock->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int vsock_connect(const struct vsock *vsock, uint32_t port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret;

	_Static_assert(VSOCK_PATH_MAX + sizeof("_4294967295") <= sizeof(addr.sun_path), "fits");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.96s_%u", vsock->path, port);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
