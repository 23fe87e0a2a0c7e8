/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost, the devices of the host's kernel that serve virtqueues (Linux include/uapi/linux/vhost.h):
 * what all kinds of them have in common. A descriptor of one is an instance, and the caller's.
 *
 * Thread: any, one at a time for an instance.
 */
#ifndef ARCVISOR_VHOST_KERNEL_H
#define ARCVISOR_VHOST_KERNEL_H

#include "mem/gmem.h"
#include "vhost/queue.h"

/* Which, and how messages name it. */
struct vhost_kernel {
	const char *path;    /* "/dev/vhost-net" */
	const char *module;  /* that brings it */
	const char *option;  /* of ours, that asks for it */
	const char *instead; /* what to do without it, behind "or" */
};

/* A new instance, which is this process's: its descriptor, or -errno, which
 * vhost_kernel_refused() explains. */
int vhost_kernel_open(const struct vhost_kernel *kernel);

/* A line in the log of why there is no instance, or of what it refused; @error, a -errno. */
int vhost_kernel_refused(const struct vhost_kernel *kernel, int error);

/* ioctl(2): 0 or -errno. */
int vhost_kernel_call(int fd, unsigned long request, const void *arg);

int vhost_kernel_get_features(int fd, uint64_t *features);
int vhost_kernel_set_features(int fd, uint64_t features);

/* All of @mem. Queues that are served go on with what they had. */
int vhost_kernel_set_memory(int fd, const struct gmem *mem);

/* Tells all of @queue, which is not served. What serves it is each kind's own. */
int vhost_kernel_set_queue(int fd, const struct vhost_queue *queue);

/* How far queue @index was served, when it is no more. */
int vhost_kernel_get_base(int fd, unsigned int index, uint16_t *base);

#endif
