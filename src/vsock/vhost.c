/* SPDX-License-Identifier: Apache-2.0 */
#include "vsock/vhost.h"

#include <errno.h>
#include <linux/vhost.h>
#include <unistd.h>

#include "base/log.h"
#include "vhost/kernel.h"

static const struct vhost_kernel kernel = {
	.path = "/dev/vhost-vsock",
	.module = "vhost_vsock",
	.option = "--vsock vhost=on",
	.instead = "give path=PATH",
};

static int refuse(const struct vsock *vsock, int error)
{
	if (error != -EADDRINUSE)
		return vhost_kernel_refused(&kernel, error);
	log_error("--vsock cid=%u: is another guest's on this host; give each its own", vsock->cid);
	return error;
}

static int take_cid(struct vsock *vsock)
{
	const uint64_t cid = vsock->cid;
	int ret = vhost_kernel_get_features(vsock->vhost, &vsock->features);

	if (ret == 0)
		ret = vhost_kernel_call(vsock->vhost, VHOST_VSOCK_SET_GUEST_CID, &cid);
	return ret;
}

int vsock_vhost_open(struct vsock *vsock)
{
	int ret;

	vsock->vhost = vhost_kernel_open(&kernel);
	if (vsock->vhost < 0)
		return refuse(vsock, vsock->vhost);
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

int vsock_vhost_start(const struct vsock *vsock, const struct gmem *mem, uint64_t features,
		      const struct vhost_queue *queues)
{
	const int on = 1;
	int ret = vhost_kernel_set_features(vsock->vhost, features & vsock->features);

	if (ret == 0)
		ret = vhost_kernel_set_memory(vsock->vhost, mem);
	for (unsigned int i = 0; ret == 0 && i < VSOCK_VHOST_QUEUES; i++)
		ret = vhost_kernel_set_queue(vsock->vhost, &queues[i]);
	if (ret == 0)
		ret = vhost_kernel_call(vsock->vhost, VHOST_VSOCK_SET_RUNNING, &on);
	return ret;
}

void vsock_vhost_stop(const struct vsock *vsock)
{
	const int off = 0;

	(void)vhost_kernel_call(vsock->vhost, VHOST_VSOCK_SET_RUNNING, &off);
}
