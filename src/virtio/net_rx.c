/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets into the guest. How long a packet is shows when it has been read, so there is room for it
 * before: buffers of the driver, and behind them a spill of ours that is copied from in the rare
 * case that the driver had too few. A packet goes into as many buffers as it needs with MRG_RXBUF
 * (section 5.1.6.4), else into one.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "net_internal.h"

#define PLAIN_FRAME (1518u + 8) /* of most networks, with two VLAN tags */
#define LARGE_RUN   64u		/* packets after a large one, of which more may be */

/* What a driver may get that is larger than its network's frames. */
#define LARGE                                                                            \
	(BIT64(VNET_F_GUEST_TSO4) | BIT64(VNET_F_GUEST_TSO6) | BIT64(VNET_F_GUEST_UFO) | \
	 BIT64(VNET_F_GUEST_USO4) | BIT64(VNET_F_GUEST_USO6))

/* ---- buffers --------------------------------------------------------------------------------- */

static struct scatter room_of(struct vnet_rx *rx)
{
	return (struct scatter){ rx->iov + rx->first_iov, rx->nr_iov, rx->room };
}

static void forget(struct vnet_rx *rx)
{
	rx->first = rx->nr = rx->first_iov = rx->nr_iov = 0;
	rx->room = rx->held = rx->spilled = 0;
	rx->starved = false;
}

static bool fits(const struct vnet_rx *rx)
{
	return rx->first + rx->nr < VNET_QUEUE_SIZE &&
	       rx->first_iov + rx->nr_iov + VNET_MAX_IOV <= VNET_RX_IOV;
}

/* What waits moves to the front, where another chain does not fit behind it. */
static bool make_place(struct vnet_rx *rx)
{
	if (fits(rx))
		return true;
	memmove(rx->buffers, rx->buffers + rx->first, rx->nr * sizeof(rx->buffers[0]));
	memmove(rx->iov, rx->iov + rx->first_iov, rx->nr_iov * sizeof(rx->iov[0]));
	rx->first = rx->first_iov = 0;
	return fits(rx);
}

/* What was spilled goes on into room that was added. */
static void take_spill(struct vnet_rx *rx, const struct scatter *fresh)
{
	size_t n = rx->spilled < fresh->len ? rx->spilled : (size_t)fresh->len;

	scatter_put(fresh, 0, rx->spill + rx->spill_at, n);
	rx->spill_at += n;
	rx->spilled -= n;
}

/* Section 5.1.6.3.1: for the device to write, and not too small for a header. */
static bool is_buffer(const struct virtq_chain *chain)
{
	return !chain->nr_out && chain->in_len >= NET_HEADER_SIZE;
}

/* One more buffer of the driver: false where there is none, or no place for it. */
static bool add_buffer(struct vnet_pair *pair)
{
	struct vnet_rx *rx = &pair->rx;
	struct virtq_chain chain = { .max_iov = VNET_MAX_IOV };
	struct scatter fresh;
	int ret;

	if (!make_place(rx))
		return false;
	chain.iov = rx->iov + rx->first_iov + rx->nr_iov;
	pthread_mutex_lock(&rx->vq->lock);
	ret = virtqueue_pop_locked(rx->vq, &chain);
	if (ret > 0 && !is_buffer(&chain)) {
		virtqueue_break_locked(rx->vq);
		ret = -EPROTO;
	}
	pthread_mutex_unlock(&rx->vq->lock);
	if (ret < 0)
		virtio_needs_reset(&pair->vnet->dev);
	if (ret <= 0)
		return false;
	fresh = (struct scatter){ chain.iov, chain.nr_in, chain.in_len };
	rx->buffers[rx->first + rx->nr++] = (struct vnet_buffer){
		.head = chain.head,
		.nr_iov = (uint16_t)chain.nr_in,
		.len = chain.in_len < UINT32_MAX ? (uint32_t)chain.in_len : UINT32_MAX,
	};
	rx->nr_iov += chain.nr_in;
	rx->room += rx->buffers[rx->first + rx->nr - 1].len;
	take_spill(rx, &fresh);
	return true;
}

/* Room for what may come, as far as the driver gives it. False: there is none at all. */
static bool make_room(struct vnet_pair *pair)
{
	const struct vnet *vnet = pair->vnet;
	struct vnet_rx *rx = &pair->rx;
	uint64_t driver = atomic_load_explicit(&vnet->driver, memory_order_relaxed);
	uint64_t wanted = NET_HEADER_SIZE + (driver & LARGE ? NET_MAX_FRAME : PLAIN_FRAME);

	if (driver & BIT64(VNET_F_MRG_RXBUF)) {
		while (rx->room < wanted && add_buffer(pair))
			;
	} else if (!rx->nr) {
		add_buffer(pair);
	}
	return rx->nr > 0;
}

/* ---- packets --------------------------------------------------------------------------------- */

static bool is_wanted(struct vnet_pair *pair, const struct scatter *room)
{
	struct vnet *vnet = pair->vnet;
	struct vnet_rx *rx = &pair->rx;
	uint8_t dest[NET_MAC_SIZE];

	/* Acquire: pairs with the control queue's release, which comes after the filter. */
	if (atomic_load_explicit(&vnet->filter_version, memory_order_acquire) !=
	    rx->filter_version) {
		pthread_mutex_lock(&vnet->lock);
		rx->filter = vnet->filter;
		rx->filter_version = atomic_load(&vnet->filter_version);
		pthread_mutex_unlock(&vnet->lock);
	}
	if (rx->filter.promisc)
		return true;
	scatter_get(room, NET_HEADER_SIZE, dest, sizeof(dest));
	return vnet_filter_takes(&rx->filter, dest);
}

/* Buffers that @len bytes take, from the first on. */
static unsigned int nr_needed(const struct vnet_rx *rx, uint64_t len)
{
	unsigned int n = 0;

	for (uint64_t room = 0; room < len; n++)
		room += rx->buffers[rx->first + n].len;
	return n;
}

/* @nr buffers with @left bytes in them go back to the driver. */
static void push_locked(struct vnet_rx *rx, unsigned int nr, size_t left)
{
	while (nr--) {
		const struct vnet_buffer *buffer = &rx->buffers[rx->first];
		uint32_t len = left < buffer->len ? (uint32_t)left : buffer->len;

		virtqueue_push_locked(rx->vq, buffer->head, len);
		left -= len;
		rx->first++;
		rx->nr--;
		rx->first_iov += buffer->nr_iov;
		rx->nr_iov -= buffer->nr_iov;
		rx->room -= buffer->len;
	}
	if (!rx->nr)
		rx->first = rx->first_iov = 0;
}

/* The packet that is held has room. */
static void deliver(struct vnet_pair *pair)
{
	struct vnet_rx *rx = &pair->rx;
	struct scatter room = room_of(rx);
	size_t len = rx->held;
	unsigned int nr = nr_needed(rx, len);
	uint16_t num_buffers = (uint16_t)nr;

	rx->held = 0;
	if (!is_wanted(pair, &room)) {
		vnet_count(&rx->counters.filtered, 1);
		return;
	}
	scatter_put(&room, offsetof(struct vnet_header, num_buffers), &num_buffers,
		    sizeof(num_buffers));
	pthread_mutex_lock(&rx->vq->lock);
	push_locked(rx, nr, len);
	pthread_mutex_unlock(&rx->vq->lock);
	vnet_count(&rx->counters.packets, 1);
	vnet_count(&rx->counters.bytes, len - NET_HEADER_SIZE);
	vnet_count(&rx->counters.large, len - NET_HEADER_SIZE > PLAIN_FRAME);
}

static void drop(struct vnet_rx *rx)
{
	rx->held = rx->spilled = 0;
	vnet_count(&rx->counters.dropped, 1);
}

/*
 * Goes on with a packet that is held. False: the driver has to add buffers first. One that does not
 * fit into all that a queue can have is dropped.
 */
static bool finish(struct vnet_pair *pair)
{
	struct vnet_rx *rx = &pair->rx;
	bool merge = vnet_has(pair->vnet, VNET_F_MRG_RXBUF);

	while (rx->spilled && merge && add_buffer(pair))
		;
	if (!rx->spilled) {
		deliver(pair);
		return true;
	}
	if (merge && rx->nr < rx->vq->size && make_place(rx))
		return false;
	drop(rx);
	return true;
}

/* Of a stream, which is read into a buffer of ours anyway. */
static int read_frame(struct vnet_pair *pair)
{
	struct vnet_rx *rx = &pair->rx;
	struct scatter room = room_of(rx);
	int ret = vnet_stream_read(pair->stream, pair->fd, rx->spill, &rx->held);

	if (ret <= 0)
		return ret;
	rx->spill_at = rx->held < rx->room ? rx->held : (size_t)rx->room;
	rx->spilled = rx->held - rx->spill_at;
	scatter_put(&room, 0, rx->spill, rx->spill_at);
	return 1;
}

/*
 * Entries of the room that a packet like the latest ones needs; *@room, their bytes. The kernel
 * copies and checks each at every look at the tap, most of which find nothing, so that 64 KiB in
 * buffers of 1.5 KiB would be most of what a small packet costs.
 */
static unsigned int entries_to_offer(const struct vnet_rx *rx, uint64_t *room)
{
	const struct iovec *iov = rx->iov + rx->first_iov;
	unsigned int n = 0;

	*room = rx->room;
	if (rx->large)
		return rx->nr_iov;
	for (*room = 0; n < rx->nr_iov && *room < NET_HEADER_SIZE + PLAIN_FRAME; n++)
		*room += iov[n].iov_len;
	return n;
}

/* A packet into the room, and the rest of it into the spill. As readv(2). */
static ssize_t read_into(struct vnet_pair *pair, struct iovec *iov, unsigned int nr)
{
	struct iovec behind = iov[nr]; /* an entry is there: fits() keeps one */
	ssize_t n;

	iov[nr] = (struct iovec){ pair->rx.spill, sizeof(pair->rx.spill) };
	n = readv(pair->fd, iov, (int)nr + 1);
	iov[nr] = behind;
	return n;
}

/* A packet into the room: 1, 0 (there is none), or -errno. */
static int read_packet(struct vnet_pair *pair)
{
	struct vnet_rx *rx = &pair->rx;
	struct iovec *iov = rx->iov + rx->first_iov;
	struct scatter rest;
	uint64_t room;
	unsigned int nr = entries_to_offer(rx, &room);
	ssize_t n = read_into(pair, iov, nr);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n < (ssize_t)(NET_HEADER_SIZE + NET_MIN_FRAME) ||
	    n > (ssize_t)(NET_HEADER_SIZE + NET_MAX_FRAME)) {
		vnet_count(&rx->counters.dropped, n > 0);
		return n > 0;
	}
	rx->held = (size_t)n;
	rx->spilled = rx->held > room ? rx->held - (size_t)room : 0;
	rx->spill_at = 0;
	rest = (struct scatter){ iov + nr, rx->nr_iov - nr, rx->room - room };
	take_spill(rx, &rest);
	if (rx->held > NET_HEADER_SIZE + PLAIN_FRAME)
		rx->large = LARGE_RUN;
	else if (rx->large)
		rx->large--;
	return 1;
}

static bool receive_one(struct vnet_pair *pair, bool *gone)
{
	struct vnet_rx *rx = &pair->rx;
	int ret;

	if (!rx->held) {
		rx->starved = !make_room(pair);
		if (rx->starved)
			return false;
		ret = pair->stream ? read_frame(pair) : read_packet(pair);
		*gone |= ret < 0;
		if (ret <= 0 || !rx->held)
			return ret > 0;
	}
	rx->starved = !finish(pair);
	return !rx->starved;
}

bool vnet_receive(struct vnet_pair *pair, bool *gone)
{
	unsigned int n = 0;

	pthread_mutex_lock(&pair->rx.lock);
	while (n < VNET_BATCH && receive_one(pair, gone))
		n++;
	if (n)
		vnet_publish(pair->vnet, pair->rx.vq);
	pthread_mutex_unlock(&pair->rx.lock);
	return n > 0;
}

/* A driver that fills its queue up need not ring for it, but where a packet waits for that. */
bool vnet_receive_rings(struct vnet_pair *pair, bool on)
{
	struct vnet_rx *rx = &pair->rx;
	bool more;

	pthread_mutex_lock(&rx->lock);
	pthread_mutex_lock(&rx->vq->lock);
	more = virtqueue_want_kicks_locked(rx->vq, on && rx->starved);
	pthread_mutex_unlock(&rx->vq->lock);
	pthread_mutex_unlock(&rx->lock);
	return more;
}

void vnet_receive_stop(struct vnet_pair *pair)
{
	pthread_mutex_lock(&pair->rx.lock);
	forget(&pair->rx);
	pthread_mutex_unlock(&pair->rx.lock);
}
