/* SPDX-License-Identifier: Apache-2.0 */
/* Wires virtio disks: a window, a line and queues each; lanes of the vCPUs, or a thread a disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/layout.h"
#include "guest.h"

_Static_assert(VM_MAX_CPUS <= VIRTIO_MAX_QUEUES, "a queue a vCPU");

/* One vCPU's lane, and what its completions need to find the vCPU. */
struct vblk_waker {
	struct guest *guest;
	unsigned int vcpu;
	struct vblk_lane *lane;
};

static int failed(const char *what, int error)
{
	log_error("cannot %s: %s", what, strerror(-error));
	return error;
}

/* docs/decisions says by which figures. */
static bool is_threaded(const struct disk_config *config)
{
	return config->mode == DISK_MODE_THREAD;
}

/* ---- devices --------------------------------------------------------------------------------- */

static unsigned int nr_queues(const struct guest *guest, const struct disk_config *config)
{
	unsigned int wanted = config->queues ? config->queues : guest->parts->config->cpus;

	return wanted < VIRTIO_MAX_QUEUES ? wanted : VIRTIO_MAX_QUEUES;
}

static int build_disk(struct guest *guest, struct disk *disk)
{
	struct guest_disks *disks = &guest->disks;
	struct guest_disk *this = &disks->disks[disks->nr_disks];
	int ret = vblk_create(disk, nr_queues(guest, disk_config(disk)), &this->vblk);

	if (ret < 0)
		return ret;
	this->doorbell = -1;
	disks->nr_disks++;
	ret = window_build(guest, vblk_device(this->vblk), &this->window);
	if (ret == 0 && !is_threaded(disk_config(disk)))
		disks->inline_disks[disks->nr_inline++] = disk;
	return ret;
}

int disks_build(struct guest *guest)
{
	const struct vm_config *config = guest->parts->config;
	struct guest_disks *disks = &guest->disks;
	int ret = 0;

	if (!config->nr_disks)
		return 0;
	disks->disks = calloc(config->nr_disks, sizeof(disks->disks[0]));
	disks->inline_disks = calloc(config->nr_disks, sizeof(disks->inline_disks[0]));
	if (!disks->disks || !disks->inline_disks)
		return failed("make the disks", -ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < config->nr_disks; i++)
		if (config->disks[i].via == DISK_VIA_VIRTIO)
			ret = build_disk(guest, guest->parts->disks[i]);
	return ret < 0 ? failed("make the disks", ret) : 0;
}

/* ---- who serves ------------------------------------------------------------------------------ */

static void wake_vcpu(void *ctx)
{
	struct vblk_waker *waker = ctx;

	vcpu_set_kick(waker->guest->vcpus, waker->vcpu);
}

static int make_lane(struct guest *guest, unsigned int vcpu)
{
	struct vblk_waker *waker = &guest->disks.wakers[vcpu];
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_SIGNAL,
		.disks = guest->disks.inline_disks,
		.nr_disks = guest->disks.nr_inline,
		.pinned = &guest->pinned,
		.eventfd = -1,
		.wake_owner = wake_vcpu,
		.ctx = waker,
		.wake_signal = VCPU_KICK_SIGNAL,
	};

	waker->guest = guest;
	waker->vcpu = vcpu;
	return vblk_lane_create(&config, &waker->lane);
}

static int make_lanes(struct guest *guest)
{
	unsigned int cpus = guest->parts->config->cpus;
	int ret = 0;

	if (!guest->disks.nr_inline)
		return 0;
	guest->disks.wakers = calloc(cpus, sizeof(guest->disks.wakers[0]));
	if (!guest->disks.wakers)
		return -ENOMEM;
	for (unsigned int i = 0; ret == 0 && i < cpus; i++)
		ret = make_lane(guest, i);
	return ret;
}

/* Without the kernel's help a doorbell is an exit that writes the eventfd: slower, and the same. */
static int make_thread(struct guest *guest, struct guest_disk *disk)
{
	disk->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->doorbell < 0)
		return -errno;
	disk->in_kernel = guest->parts->ops->ioeventfd_bind(
				  guest->vm, disk->doorbell,
				  disk->window.base + VIRTIO_MMIO_QUEUE_NOTIFY, 4) == 0;
	return vblk_thread_start(disk->vblk, disk->doorbell, &guest->pinned, &disk->thread);
}

int disks_connect(struct guest *guest)
{
	struct guest_disks *disks = &guest->disks;
	int ret = make_lanes(guest);

	for (unsigned int i = 0; ret == 0 && i < disks->nr_disks; i++) {
		struct guest_disk *disk = &disks->disks[i];

		ret = window_connect(guest, &disk->window);
		if (ret == 0 && is_threaded(disk_config(vblk_disk(disk->vblk))))
			ret = make_thread(guest, disk);
	}
	return ret < 0 ? failed("make the rings of the disks", ret) : 0;
}

/* ---- the guest's side ------------------------------------------------------------------------ */

void disks_describe(const struct guest *guest, struct fdt_config *fdt)
{
	for (unsigned int i = 0; i < guest->disks.nr_disks; i++)
		window_describe(&guest->disks.disks[i].window, fdt);
}

void disks_changed(struct guest *guest, const struct disk *disk)
{
	for (unsigned int i = 0; i < guest->disks.nr_disks; i++)
		if (vblk_disk(guest->disks.disks[i].vblk) == disk)
			vblk_resized(guest->disks.disks[i].vblk);
}

/* ---- vCPUs' threads -------------------------------------------------------------------------- */

int disks_attach(struct guest *guest, unsigned int vcpu)
{
	return guest->disks.wakers ? vblk_lane_attach(guest->disks.wakers[vcpu].lane) : 0;
}

void disks_interrupted(struct guest *guest, unsigned int vcpu)
{
	if (guest->disks.wakers)
		vblk_lane_interrupted(guest->disks.wakers[vcpu].lane);
}

void disks_reap(struct guest *guest, unsigned int vcpu)
{
	if (guest->disks.wakers)
		vblk_lane_reap(guest->disks.wakers[vcpu].lane);
}

void disks_drain(struct guest *guest, unsigned int vcpu)
{
	if (guest->disks.wakers)
		vblk_lane_drain(guest->disks.wakers[vcpu].lane);
}

void disks_detach(struct guest *guest, unsigned int vcpu)
{
	disks_drain(guest, vcpu);
	vblk_lane_detach();
}

/* ---- the end --------------------------------------------------------------------------------- */

static void fini_disk(struct guest *guest, struct guest_disk *disk)
{
	window_disconnect(guest, &disk->window);
	if (disk->in_kernel)
		guest->parts->ops->ioeventfd_unbind(
			guest->vm, disk->doorbell, disk->window.base + VIRTIO_MMIO_QUEUE_NOTIFY, 4);
	vblk_thread_stop(disk->thread);
	if (disk->doorbell >= 0)
		close(disk->doorbell);
	/* The next guest finds a disk as a new one. */
	if (disk->vblk)
		disk_set_write_back(vblk_disk(disk->vblk), true);
	window_fini(&disk->window);
	vblk_destroy(disk->vblk);
}

void disks_fini(struct guest *guest)
{
	struct guest_disks *disks = &guest->disks;

	for (unsigned int i = 0; disks->wakers && i < guest->parts->config->cpus; i++)
		vblk_lane_destroy(disks->wakers[i].lane);
	for (unsigned int i = 0; i < disks->nr_disks; i++)
		fini_disk(guest, &disks->disks[i]);
	free(disks->wakers);
	free(disks->inline_disks);
	free(disks->disks);
	*disks = (struct guest_disks){ 0 };
}
