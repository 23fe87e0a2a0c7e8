/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the memory balloon: a window, one doorbell for all of its queues, a thread. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the balloon: %s", strerror(-error));
	return error;
}

int balloon_check(const struct vm_config *config)
{
	const struct vballoon_config *balloon = &config->balloon;

	if (!config->has_balloon)
		return 0;
	if (balloon->target > config->memory) {
		log_error("--balloon size=%" PRIu64 "M: the guest has %" PRIu64 "M; give less",
			  balloon->target / MIB, config->memory / MIB);
		return -EINVAL;
	}
	if (config->backing.pin) {
		log_error("--balloon: pages that disks have pinned cannot be given back; leave it "
			  "out, or pin=on of --memory");
		return -EINVAL;
	}
	/* A guest takes such pages back without a word. */
	if (balloon->reporting && config->backing.huge == GMEM_HUGE_POOL) {
		log_error("--balloon free-page-reporting=on: a pool may have no page left when the "
			  "guest takes one back; leave it out, or hugepages= of --memory");
		return -EINVAL;
	}
	return 0;
}

int balloon_build(struct guest *guest)
{
	struct guest_balloon *balloon = &guest->balloon;
	struct vballoon_config config = guest->parts->config->balloon;
	int ret;

	if (!guest->parts->config->has_balloon)
		return 0;
	config.target = *guest->parts->balloon_target;
	ret = vballoon_create(&config, &guest->mem, &balloon->vballoon);
	if (ret == 0)
		ret = window_build(guest, vballoon_device(balloon->vballoon), &balloon->window);
	return ret < 0 ? failed(ret) : 0;
}

static gpa_t bell_of(const struct guest_balloon *balloon)
{
	return balloon->window.base + VIRTIO_MMIO_QUEUE_NOTIFY;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
int balloon_connect(struct guest *guest)
{
	struct guest_balloon *balloon = &guest->balloon;
	int ret;

	if (!balloon->vballoon)
		return 0;
	ret = window_connect(guest, &balloon->window);
	if (ret == 0) {
		balloon->bound = guest->parts->ops->ioeventfd_bind(
					 guest->vm, vballoon_doorbell(balloon->vballoon),
					 bell_of(balloon), 4) == 0;
		ret = vballoon_start(balloon->vballoon);
	}
	return ret < 0 ? failed(ret) : 0;
}

void balloon_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (guest->balloon.vballoon)
		window_describe(&guest->balloon.window, fdt);
}

void balloon_fini(struct guest *guest)
{
	struct guest_balloon *balloon = &guest->balloon;

	if (!balloon->vballoon)
		return;
	if (balloon->bound)
		guest->parts->ops->ioeventfd_unbind(guest->vm, vballoon_doorbell(balloon->vballoon),
						    bell_of(balloon), 4);
	window_disconnect(guest, &balloon->window);
	vballoon_stop(balloon->vballoon);
	window_fini(&balloon->window);
	vballoon_destroy(balloon->vballoon);
	*balloon = (struct guest_balloon){ 0 };
}
