/* SPDX-License-Identifier: Apache-2.0 */
/* Wires devices of vhost-user: a window each, and doorbells that go to their back ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the devices of vhost-user: %s", strerror(-error));
	return error;
}

int vhosts_check(const struct vm_config *config)
{
	if (!config->nr_vhosts || config->share != VM_SHARE_OFF)
		return 0;
	log_error("%s: its back end maps the guest's memory; leave out %s of --memory",
		  config->vhosts[0].id, config->backing.merge ? "merge=on" : "shared=off");
	return -EINVAL;
}

static int build_vhost(struct guest *guest, struct vhost_end *end)
{
	struct guest_vhosts *vhosts = &guest->vhosts;
	struct guest_vhost *this = &vhosts->vhosts[vhosts->nr_vhosts];
	int ret = vvhost_create(end, &guest->mem, &this->vvhost);

	if (ret < 0)
		return ret;
	vhosts->nr_vhosts++;
	return window_build(guest, vvhost_device(this->vvhost), &this->window);
}

int vhosts_build(struct guest *guest)
{
	const struct vm_config *config = guest->parts->config;
	int ret = 0;

	if (!config->nr_vhosts)
		return 0;
	guest->vhosts.vhosts = calloc(config->nr_vhosts, sizeof(guest->vhosts.vhosts[0]));
	if (!guest->vhosts.vhosts)
		return failed(-ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < config->nr_vhosts; i++)
		ret = build_vhost(guest, guest->parts->vhosts[i]);
	return ret < 0 ? failed(ret) : 0;
}

static gpa_t bell_of(const struct guest_vhost *vhost)
{
	return vhost->window.base + VIRTIO_MMIO_QUEUE_NOTIFY;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
static void bind_doorbells(struct guest *guest, struct guest_vhost *vhost)
{
	unsigned int nr = vvhost_device(vhost->vvhost)->nr_queues;

	for (; vhost->nr_bound < nr; vhost->nr_bound++)
		if (guest->parts->ops->ioeventfd_bind_value(
			    guest->vm, vvhost_doorbell(vhost->vvhost, vhost->nr_bound),
			    bell_of(vhost), vhost->nr_bound) < 0)
			return;
}

static void unbind_doorbells(struct guest *guest, struct guest_vhost *vhost)
{
	while (vhost->nr_bound) {
		unsigned int queue = --vhost->nr_bound;

		guest->parts->ops->ioeventfd_unbind_value(
			guest->vm, vvhost_doorbell(vhost->vvhost, queue), bell_of(vhost), queue);
	}
}

int vhosts_connect(struct guest *guest)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < guest->vhosts.nr_vhosts; i++) {
		ret = window_connect(guest, &guest->vhosts.vhosts[i].window);
		if (ret == 0)
			bind_doorbells(guest, &guest->vhosts.vhosts[i]);
	}
	return ret < 0 ? failed(ret) : 0;
}

void vhosts_describe(const struct guest *guest, struct fdt_config *fdt)
{
	for (unsigned int i = 0; i < guest->vhosts.nr_vhosts; i++)
		window_describe(&guest->vhosts.vhosts[i].window, fdt);
}

void vhosts_fini(struct guest *guest)
{
	struct guest_vhosts *vhosts = &guest->vhosts;

	for (unsigned int i = 0; i < vhosts->nr_vhosts; i++) {
		struct guest_vhost *vhost = &vhosts->vhosts[i];

		unbind_doorbells(guest, vhost);
		window_disconnect(guest, &vhost->window);
		vvhost_stop(vhost->vvhost);
		window_fini(&vhost->window);
		vvhost_destroy(vhost->vvhost);
	}
	free(vhosts->vhosts);
	*vhosts = (struct guest_vhosts){ 0 };
}
