/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the control queue (virtio 1.2 section 5.1.6.5), one after another. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "net_internal.h"

enum { ACK_OK = 0, ACK_ERR = 1 };

enum {
	CLASS_RX = 0,
	CLASS_MAC = 1,
	CLASS_ANNOUNCE = 3,
	CLASS_MQ = 4,
	CLASS_OFFLOADS = 5,
};

enum { RX_PROMISC, RX_ALLMULTI, RX_ALLUNI, RX_NOMULTI, RX_NOUNI, RX_NOBROADCAST };
enum { MAC_TABLE_SET, MAC_ADDR_SET };

#define MAX_DATA   65536u /* bytes of a command: tables of addresses are the longest */
#define MAX_ROUNDS (4 * VNET_QUEUE_SIZE)

struct command {
	uint8_t class, cmd;
};

static bool set_rx(struct vnet *vnet, uint8_t cmd, struct scatter *data)
{
	struct vnet_filter *filter = &vnet->filter;
	bool *const modes[] = {
		[RX_PROMISC] = &filter->promisc, [RX_ALLMULTI] = &filter->all_multi,
		[RX_ALLUNI] = &filter->all_uni,	 [RX_NOMULTI] = &filter->no_multi,
		[RX_NOUNI] = &filter->no_uni,	 [RX_NOBROADCAST] = &filter->no_broadcast,
	};
	uint8_t on;

	if (cmd >= ARRAY_SIZE(modes) || !scatter_take_front(data, &on, 1))
		return false;
	*modes[cmd] = on;
	return true;
}

/* One of the two tables: as many addresses as it says, of which those are kept that have room. */
static bool take_table(struct scatter *data, unsigned int *nr, uint8_t macs[][NET_MAC_SIZE])
{
	uint8_t mac[NET_MAC_SIZE];
	uint32_t count;

	if (!scatter_take_front(data, &count, sizeof(count)) || count > data->len / sizeof(mac))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		scatter_take_front(data, mac, sizeof(mac));
		if (i < VNET_FILTER_MACS)
			memcpy(macs[i], mac, sizeof(mac));
	}
	*nr = count;
	return true;
}

static bool set_mac(struct vnet *vnet, uint8_t cmd, struct scatter *data)
{
	struct vnet_filter fresh = vnet->filter;

	switch (cmd) {
	case MAC_TABLE_SET:
		if (!take_table(data, &fresh.nr_uni, fresh.uni) ||
		    !take_table(data, &fresh.nr_multi, fresh.multi))
			return false;
		break;
	case MAC_ADDR_SET:
		if (!scatter_take_front(data, fresh.mac, sizeof(fresh.mac)))
			return false;
		break;
	default:
		return false;
	}
	vnet->filter = fresh;
	return true;
}

static bool set_pairs(struct vnet *vnet, uint8_t cmd, struct scatter *data)
{
	uint16_t pairs;

	if (cmd != 0 || !vnet_has(vnet, VNET_F_MQ) ||
	    !scatter_take_front(data, &pairs, sizeof(pairs)))
		return false;
	return pairs && pairs <= vnet->nr_pairs && vnet_set_active(vnet, pairs) == 0;
}

#define GUEST_OFFLOADS                                                                    \
	(BIT64(VNET_F_GUEST_CSUM) | BIT64(VNET_F_GUEST_TSO4) | BIT64(VNET_F_GUEST_TSO6) | \
	 BIT64(VNET_F_GUEST_ECN) | BIT64(VNET_F_GUEST_UFO) | BIT64(VNET_F_GUEST_USO4) |   \
	 BIT64(VNET_F_GUEST_USO6))

static bool set_offloads(struct vnet *vnet, uint8_t cmd, struct scatter *data)
{
	uint64_t negotiated = atomic_load(&vnet->negotiated), wanted;

	if (cmd != 0 || !(negotiated & BIT64(VNET_F_CTRL_GUEST_OFFLOADS)) ||
	    !scatter_take_front(data, &wanted, sizeof(wanted)))
		return false;
	if (wanted & ~(negotiated & GUEST_OFFLOADS))
		return false;
	if (net_set_offloads(vnet->net, vnet_guest_offloads(wanted)) < 0)
		return false;
	atomic_store(&vnet->driver, (negotiated & ~GUEST_OFFLOADS) | wanted);
	return true;
}

static bool execute(struct vnet *vnet, const struct command *command, struct scatter *data)
{
	bool filters = command->class == CLASS_RX || command->class == CLASS_MAC;
	bool ok = false;

	if (data->len > MAX_DATA)
		return false;
	switch (command->class) {
	case CLASS_RX:
		ok = set_rx(vnet, command->cmd, data);
		break;
	case CLASS_MAC:
		ok = set_mac(vnet, command->cmd, data);
		break;
	case CLASS_ANNOUNCE:
		ok = command->cmd == 0;
		if (ok)
			atomic_store(&vnet->announce, false);
		break;
	case CLASS_MQ:
		ok = set_pairs(vnet, command->cmd, data);
		break;
	case CLASS_OFFLOADS:
		ok = set_offloads(vnet, command->cmd, data);
		break;
	default:
		break;
	}
	/* Release: pairs with is_wanted()'s acquire. */
	if (ok && filters)
		atomic_fetch_add_explicit(&vnet->filter_version, 1, memory_order_release);
	return ok;
}

/* One command: 1, 0 (there is none), -EPROTO (it broke the rules). */
static int control_one(struct vnet *vnet, struct virtqueue *vq)
{
	struct iovec iov[VNET_MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = VNET_MAX_IOV };
	struct scatter out, in;
	struct command command;
	uint8_t ack;
	int ret;

	pthread_mutex_lock(&vq->lock);
	ret = virtqueue_pop_locked(vq, &chain);
	pthread_mutex_unlock(&vq->lock);
	if (ret <= 0)
		return ret;
	out = (struct scatter){ iov, chain.nr_out, chain.out_len };
	in = (struct scatter){ iov + chain.nr_out, chain.nr_in, chain.in_len };
	if (!in.len || !scatter_take_front(&out, &command, sizeof(command))) {
		pthread_mutex_lock(&vq->lock);
		virtqueue_break_locked(vq);
		pthread_mutex_unlock(&vq->lock);
		return -EPROTO;
	}
	ack = execute(vnet, &command, &out) ? ACK_OK : ACK_ERR;
	scatter_put(&in, 0, &ack, sizeof(ack));
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain.head, sizeof(ack));
	pthread_mutex_unlock(&vq->lock);
	return 1;
}

/* True: the driver added one before it knew that it has to ring. */
static bool ask_for_rings(struct virtqueue *vq)
{
	bool more;

	pthread_mutex_lock(&vq->lock);
	more = virtqueue_want_kicks_locked(vq, true);
	pthread_mutex_unlock(&vq->lock);
	return more;
}

void vnet_control(struct vnet *vnet)
{
	struct virtqueue *vq = &vnet->dev.queues[atomic_load(&vnet->control)];
	unsigned int rounds = 0;
	int ret = 0;

	pthread_mutex_lock(&vnet->lock);
	do {
		while (rounds++ < MAX_ROUNDS && atomic_load(&vnet->started) &&
		       (ret = control_one(vnet, vq)) > 0)
			;
	} while (ret == 0 && rounds < MAX_ROUNDS && ask_for_rings(vq));
	pthread_mutex_unlock(&vnet->lock);
	vnet_publish(vnet, vq);
	if (ret < 0)
		virtio_needs_reset(&vnet->dev);
}
