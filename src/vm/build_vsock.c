/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the socket device: a window, one doorbell for its queues, a thread. */
#include <string.h>

#include "base/log.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the socket device: %s", strerror(-error));
	return error;
}

int vsocks_build(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;
	int ret;

	if (!guest->parts->vsock)
		return 0;
	ret = vvsock_create(guest->parts->vsock, &vsock->vvsock);
	if (ret == 0)
		ret = window_build(guest, vvsock_device(vsock->vvsock), &vsock->window);
	return ret < 0 ? failed(ret) : 0;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
int vsocks_connect(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;
	int ret;

	if (!vsock->vvsock)
		return 0;
	ret = window_connect(guest, &vsock->window);
	if (ret < 0)
		return failed(ret);
	vsock->bound = guest->parts->ops->ioeventfd_bind(
			       guest->vm, vvsock_doorbell(vsock->vvsock),
			       vsock->window.base + VIRTIO_MMIO_QUEUE_NOTIFY, 4) == 0;
	ret = vvsock_start(vsock->vvsock);
	return ret < 0 ? failed(ret) : 0;
}

void vsocks_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (guest->vsock.vvsock)
		window_describe(&guest->vsock.window, fdt);
}

/* Connections end; the host's socket stays for the next guest. */
void vsocks_fini(struct guest *guest)
{
	struct guest_vsock *vsock = &guest->vsock;

	if (!vsock->vvsock)
		return;
	if (vsock->bound)
		guest->parts->ops->ioeventfd_unbind(guest->vm, vvsock_doorbell(vsock->vvsock),
						    vsock->window.base + VIRTIO_MMIO_QUEUE_NOTIFY,
						    4);
	window_disconnect(guest, &vsock->window);
	vvsock_stop(vsock->vvsock);
	window_fini(&vsock->window);
	vvsock_destroy(vsock->vvsock);
	*vsock = (struct guest_vsock){ 0 };
}
