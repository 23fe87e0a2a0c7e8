/* SPDX-License-Identifier: Apache-2.0 */
#include "vsock/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

#define DEVICE "/dev/vhost-vsock"

/* C libraries disagree on the type of ioctl(2)'s request; the system call takes any. */
static int call(const struct vsock *vsock, unsigned long request, const void *arg)
{
#ifdef __GLIBC__
	return ioctl(vsock->vhost, request, arg) < 0 ? -errno : 0;
#else
	return ioctl(vsock->vhost, (int)request, arg) < 0 ? -errno : 0;
#endif
}

static int refuse(const struct vsock *vsock, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		log_error("--vsock vhost=on: this host has no " DEVICE
			  "; load vhost_vsock, or give "
			  "path=PATH");
		break;
	case -EACCES:
	case -EPERM:
		log_error("--vsock vhost=on: no permission for " DEVICE "; join the group that has "
			  "it (ls -l), or give path=PATH");
		break;
	case -EADDRINUSE:
		log_error("--vsock cid=%u: is another guest's on this host; give each its own",
			  vsock->cid);
		break;
	default:
		log_error("--vsock vhost=on: " DEVICE ": %s", strerror(-error));
	}
	return error;
}

static int take_cid(struct vsock *vsock)
{
	const uint64_t cid = vsock->cid;
	int ret = call(vsock, VHOST_SET_OWNER, NULL);

	if (ret == 0)
		ret = call(vsock, VHOST_GET_FEATURES, &vsock->features);
	if (ret == 0)
		ret = call(vsock, VHOST_VSOCK_SET_GUEST_CID, &cid);
	return ret;
}

int vsock_vhost_open(struct vsock *vsock)
{
	int ret;

	vsock->vhost = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (vsock->vhost < 0)
		return refuse(vsock, -errno);
	ret = take_cid(vsock);
	if (ret == 0)
		return 0;
	vsock_vhost_close(vsock);
	return refuse(vsock, ret);
}

void vsock_vhost_close(struct vsock *vsock)
{
	if (vsock->vhost >= 0)
		close(vsock->vhost);
	vsock->vhost = -1;
}

static int set_memory(const struct vsock *vsock, const struct gmem *mem)
{
	struct vhost_memory *table =
		calloc(1, sizeof(*table) + mem->nr_regions * sizeof(table->regions[0]));
	int ret;

	if (!table)
		return -ENOMEM;
	table->nregions = mem->nr_regions;
	for (unsigned int i = 0; i < mem->nr_regions; i++)
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = mem->regions[i].base,
			.memory_size = mem->regions[i].size,
			.userspace_addr = (uintptr_t)mem->regions[i].host,
		};
	ret = call(vsock, VHOST_SET_MEM_TABLE, table);
	free(table);
	return ret;
}

static int set_file(const struct vsock *vsock, unsigned long request, unsigned int index, int fd)
{
	const struct vhost_vring_file file = { .index = index, .fd = fd };

	return call(vsock, request, &file);
}

/* It begins where the driver's is: at its first entry. */
static int set_queue(const struct vsock *vsock, unsigned int index,
		     const struct vsock_vhost_queue *queue)
{
	const struct vhost_vring_state size = { .index = index, .num = queue->size };
	const struct vhost_vring_state base = { .index = index, .num = 0 };
	const struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)queue->desc,
		.avail_user_addr = (uintptr_t)queue->avail,
		.used_user_addr = (uintptr_t)queue->used,
	};
	int ret = call(vsock, VHOST_SET_VRING_NUM, &size);

	if (ret == 0)
		ret = call(vsock, VHOST_SET_VRING_BASE, &base);
	if (ret == 0)
		ret = call(vsock, VHOST_SET_VRING_ADDR, &addr);
	if (ret == 0)
		ret = set_file(vsock, VHOST_SET_VRING_KICK, index, queue->kick);
	if (ret == 0)
		ret = set_file(vsock, VHOST_SET_VRING_CALL, index, queue->call);
	if (ret == 0)
		ret = set_file(vsock, VHOST_SET_VRING_ERR, index, queue->err);
	return ret;
}

int vsock_vhost_start(const struct vsock *vsock, const struct gmem *mem, uint64_t features,
		      const struct vsock_vhost_queue *queues)
{
	const uint64_t taken = features & vsock->features;
	const int on = 1;
	int ret = call(vsock, VHOST_SET_FEATURES, &taken);

	if (ret == 0)
		ret = set_memory(vsock, mem);
	for (unsigned int i = 0; ret == 0 && i < VSOCK_VHOST_QUEUES; i++)
		ret = set_queue(vsock, i, &queues[i]);
	if (ret == 0)
		ret = call(vsock, VHOST_VSOCK_SET_RUNNING, &on);
	return ret;
}

void vsock_vhost_stop(const struct vsock *vsock)
{
	const int off = 0;

	(void)call(vsock, VHOST_VSOCK_SET_RUNNING, &off);
}
