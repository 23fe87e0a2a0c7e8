/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the socket device, whoever serves it: a window, doorbells, a thread. */
#include <string.h>

#include "base/log.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the socket device: %s", strerror(-error));
	return error;
}

static struct virtio_device *device_of(const struct guest_vsock *vsock)
{
	return vsock->vhost ? vvsock_vhost_device(vsock->vhost) : vvsock_device(vsock->vvsock);
}

static bool is_there(const struct guest_vsock *vsock)
{
	return vsock->vvsock || vsock->vhost;
}

int vsocks_build(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;
	int ret;

	if (!guest->parts->vsock)
		return 0;
	if (guest->parts->config->vsock.vhost)
		ret = vvsock_vhost_create(guest->parts->vsock, &guest->mem, &vsock->vhost);
	else
		ret = vvsock_create(guest->parts->vsock, &vsock->vvsock);
	if (ret == 0)
		ret = window_build(guest, device_of(vsock), &vsock->window);
	return ret < 0 ? failed(ret) : 0;
}

/* ---- doorbells ------------------------------------------------------------------------------- */

static int doorbell(const struct guest_vsock *vsock, unsigned int queue)
{
	return vsock->vhost ? vvsock_vhost_doorbell(vsock->vhost, queue)
			    : vvsock_doorbell(vsock->vvsock);
}

static gpa_t bell_of(const struct guest_vsock *vsock)
{
	return vsock->window.base + VIRTIO_MMIO_QUEUE_NOTIFY;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
static void bind_doorbells(struct guest *guest, struct guest_vsock *vsock)
{
	const struct backend_ops *ops = guest->parts->ops;
	unsigned int nr = device_of(vsock)->nr_queues;

	for (; vsock->nr_bound < nr; vsock->nr_bound++) {
		int fd = doorbell(vsock, vsock->nr_bound);

		if (fd < 0 ||
		    ops->ioeventfd_bind_value(guest->vm, fd, bell_of(vsock), vsock->nr_bound) < 0)
			return;
	}
}

static void unbind_doorbells(struct guest *guest, struct guest_vsock *vsock)
{
	while (vsock->nr_bound) {
		unsigned int queue = --vsock->nr_bound;

		guest->parts->ops->ioeventfd_unbind_value(guest->vm, doorbell(vsock, queue),
							  bell_of(vsock), queue);
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

int vsocks_connect(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;
	int ret;

	if (!is_there(vsock))
		return 0;
	ret = window_connect(guest, &vsock->window);
	if (ret < 0)
		return failed(ret);
	bind_doorbells(guest, vsock);
	ret = vsock->vhost ? vvsock_vhost_start(vsock->vhost) : vvsock_start(vsock->vvsock);
	return ret < 0 ? failed(ret) : 0;
}

void vsocks_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (is_there(&guest->vsock))
		window_describe(&guest->vsock.window, fdt);
}

void vsocks_get_status(const struct guest *guest, struct vm_vsock_status *status)
{
	const struct guest_vsock *vsock = &guest->vsock;

	*status = (struct vm_vsock_status){ 0 };
	if (vsock->vhost)
		status->in_kernel = vvsock_vhost_is_running(vsock->vhost);
	else
		vvsock_get_stats(vsock->vvsock, &status->stats);
}

/* Connections end; the host's end stays for the next guest. */
void vsocks_fini(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;

	if (!is_there(vsock))
		return;
	unbind_doorbells(guest, vsock);
	window_disconnect(guest, &vsock->window);
	if (vsock->vhost)
		vvsock_vhost_stop(vsock->vhost);
	vvsock_stop(vsock->vvsock);
	window_fini(&vsock->window);
	vvsock_vhost_destroy(vsock->vhost);
	vvsock_destroy(vsock->vvsock);
	*vsock = (struct guest_vsock){ 0 };
}
