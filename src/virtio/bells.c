/* SPDX-License-Identifier: Apache-2.0 */
#include "bells.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int open_one(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

int bells_open(struct bells *bells, unsigned int nr)
{
	int ret;

	assert(nr <= BELLS_MAX);
	*bells = (struct bells){ .nr = nr, .call = -1, .err = -1 };
	for (unsigned int i = 0; i < nr; i++)
		bells->kicks[i] = -1;
	ret = open_one(&bells->call);
	if (ret == 0)
		ret = open_one(&bells->err);
	for (unsigned int i = 0; ret == 0 && i < nr; i++)
		ret = open_one(&bells->kicks[i]);
	return ret;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

void bells_close(struct bells *bells)
{
	if (!bells->nr)
		return;
	for (unsigned int i = 0; i < bells->nr; i++)
		close_one(bells->kicks[i]);
	close_one(bells->call);
	close_one(bells->err);
	bells->nr = 0;
}

void bells_ring(const struct bells *bells, unsigned int queue)
{
	if (queue < bells->nr)
		(void)eventfd_write(bells->kicks[queue], 1); /* full: rung already */
}

int bells_kick_fd(const struct bells *bells, unsigned int queue)
{
	return queue < bells->nr ? bells->kicks[queue] : -1;
}

bool bells_describe(const struct bells *bells, const struct virtio_device *dev, unsigned int index,
		    struct vhost_queue *queue)
{
	struct virtqueue *vq = &dev->queues[index];
	bool ready;

	pthread_mutex_lock(&vq->lock);
	ready = vq->ready;
	*queue = (struct vhost_queue){
		.index = index,
		.size = vq->size,
		.desc = vq->desc,
		.avail = vq->avail,
		.used = vq->used,
		.kick = bells->kicks[index],
		.call = bells->call,
		.err = bells->err,
	};
	pthread_mutex_unlock(&vq->lock);
	return ready;
}

void bells_describe_direct(const struct virtio_device *dev, struct vhost_queue *queue)
{
	int fd = virtio_interrupt_fd(dev);

	if (fd >= 0)
		queue->call = fd;
}

bool bells_called(const struct bells *bells)
{
	eventfd_t nr;

	return eventfd_read(bells->call, &nr) == 0;
}

bool bells_failed(const struct bells *bells)
{
	eventfd_t nr;

	return eventfd_read(bells->err, &nr) == 0;
}
