/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

/* C libraries disagree on the type of ioctl(2)'s request; the system call takes any. */
int vhost_kernel_call(int fd, unsigned long request, const void *arg)
{
#ifdef __GLIBC__
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
#else
	return ioctl(fd, (int)request, arg) < 0 ? -errno : 0;
#endif
}

int vhost_kernel_open(const struct vhost_kernel *kernel)
{
	int fd = open(kernel->path, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = vhost_kernel_call(fd, VHOST_SET_OWNER, NULL);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

int vhost_kernel_refused(const struct vhost_kernel *kernel, int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		log_error("%s: this host has no %s; load %s, or %s", kernel->option, kernel->path,
			  kernel->module, kernel->instead);
		break;
	case -EACCES:
	case -EPERM:
		log_error("%s: no permission for %s; join the group that has it (ls -l), or %s",
			  kernel->option, kernel->path, kernel->instead);
		break;
	default:
		log_error("%s: %s: %s", kernel->option, kernel->path, strerror(-error));
	}
	return error;
}

int vhost_kernel_get_features(int fd, uint64_t *features)
{
	return vhost_kernel_call(fd, VHOST_GET_FEATURES, features);
}

int vhost_kernel_set_features(int fd, uint64_t features)
{
	return vhost_kernel_call(fd, VHOST_SET_FEATURES, &features);
}

int vhost_kernel_set_memory(int fd, const struct gmem *mem)
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
	ret = vhost_kernel_call(fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return ret;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static int set_state(int fd, unsigned long request, unsigned int index, unsigned int num)
{
	const struct vhost_vring_state state = { .index = index, .num = num };

	return vhost_kernel_call(fd, request, &state);
}

static int set_file(int fd, unsigned long request, unsigned int index, int file_fd)
{
	const struct vhost_vring_file file = { .index = index, .fd = file_fd };

	return vhost_kernel_call(fd, request, &file);
}

int vhost_kernel_set_queue(int fd, const struct vhost_queue *queue)
{
	const struct vhost_vring_addr addr = {
		.index = queue->index,
		.desc_user_addr = (uintptr_t)queue->desc,
		.avail_user_addr = (uintptr_t)queue->avail,
		.used_user_addr = (uintptr_t)queue->used,
	};
	int ret = set_state(fd, VHOST_SET_VRING_NUM, queue->index, queue->size);

	if (ret == 0)
		ret = set_state(fd, VHOST_SET_VRING_BASE, queue->index, queue->base);
	if (ret == 0)
		ret = vhost_kernel_call(fd, VHOST_SET_VRING_ADDR, &addr);
	if (ret == 0)
		ret = set_file(fd, VHOST_SET_VRING_KICK, queue->index, queue->kick);
	if (ret == 0)
		ret = set_file(fd, VHOST_SET_VRING_CALL, queue->index, queue->call);
	if (ret == 0)
		ret = set_file(fd, VHOST_SET_VRING_ERR, queue->index, queue->err);
	return ret;
}

int vhost_kernel_get_base(int fd, unsigned int index, uint16_t *base)
{
	struct vhost_vring_state state = { .index = index };
	int ret = vhost_kernel_call(fd, VHOST_GET_VRING_BASE, &state);

	if (ret == 0)
		*base = (uint16_t)state.num;
	return ret;
}
