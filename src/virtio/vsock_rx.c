/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets into the guest: one a buffer of the driver. Connections that have something take turns,
 * a packet each, so that a busy one holds up none.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "vsock_internal.h"

static struct vvsock_header header_of(const struct vvsock *vvsock, uint32_t guest_port,
				      uint32_t host_port, enum vvsock_op op)
{
	return (struct vvsock_header){
		.src_cid = VVSOCK_CID_HOST,
		.dst_cid = vvsock->host->cid,
		.src_port = host_port,
		.dst_port = guest_port,
		.type = VVSOCK_TYPE_STREAM,
		.op = (uint16_t)op,
	};
}

/* Every packet of a connection tells the guest how much room there is for what it sends. */
static struct vvsock_header packet_of(const struct vvsock *vvsock, struct vvsock_conn *conn,
				      enum vvsock_op op)
{
	struct vvsock_header header = header_of(vvsock, conn->guest_port, conn->host_port, op);

	header.buf_alloc = VVSOCK_BUFFER;
	header.fwd_cnt = conn->told_fwd = conn->fwd;
	conn->owes &= ~VVSOCK_OWES_CREDIT;
	return header;
}

/* ---- what a connection has ------------------------------------------------------------------- */

static const struct {
	uint32_t owes;
	enum vvsock_op op;
} owed[] = {
	{ VVSOCK_OWES_RST, VVSOCK_OP_RST },
	{ VVSOCK_OWES_REQUEST, VVSOCK_OP_REQUEST },
	{ VVSOCK_OWES_RESPONSE, VVSOCK_OP_RESPONSE },
	{ VVSOCK_OWES_SHUTDOWN, VVSOCK_OP_SHUTDOWN },
	{ VVSOCK_OWES_ASK, VVSOCK_OP_CREDIT_REQUEST },
	{ VVSOCK_OWES_CREDIT, VVSOCK_OP_CREDIT_UPDATE },
};

static bool take_owed(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t which,
		      struct vvsock_header *header)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(owed); i++) {
		if (!(conn->owes & which & owed[i].owes))
			continue;
		conn->owes &= ~owed[i].owes;
		*header = packet_of(vvsock, conn, owed[i].op);
		if (owed[i].op == VVSOCK_OP_SHUTDOWN)
			header->flags = conn->host_shut;
		return true;
	}
	return false;
}

/* The driver's buffer, behind the header. */
static void room_of(struct vvsock *vvsock, struct scatter *room)
{
	const struct virtq_chain *chain = &vvsock->rx.chain;

	memcpy(vvsock->rx.room, chain->iov, chain->nr_in * sizeof(chain->iov[0]));
	*room = (struct scatter){ vvsock->rx.room, chain->nr_in, chain->in_len };
	scatter_drop_front(room, sizeof(struct vvsock_header));
}

/* Bytes off its unix socket, behind where the header goes. */
static bool take_data(struct vvsock *vvsock, struct vvsock_conn *conn, struct vvsock_header *header)
{
	uint32_t credit = vvsock_conn_credit(conn);
	struct scatter room;
	ssize_t n;

	if (!vvsock_conn_reads(conn) || !credit)
		return false;
	room_of(vvsock, &room);
	n = vvsock_stream_read(conn, &room, credit);
	if (n > 0) {
		conn->sent += (uint32_t)n;
		vvsock_count(&vvsock->counters.rx_bytes, (uint64_t)n);
		*header = packet_of(vvsock, conn, VVSOCK_OP_RW);
		header->len = (uint32_t)n;
		return true;
	}
	conn->readable = false;
	if (n == 0)
		vvsock_conn_host_shut(vvsock, conn,
				      conn->hung_up ? VVSOCK_SHUT_BOTH : VVSOCK_SHUT_SEND);
	else if (n != -EAGAIN)
		vvsock_conn_reset(vvsock, conn);
	return false;
}

/* The next packet of @conn; what its socket says may be one, too. */
static bool take_packet(struct vvsock *vvsock, struct vvsock_conn *conn,
			struct vvsock_header *header)
{
	return take_owed(vvsock, conn, ~VVSOCK_OWES_CREDIT, header) ||
	       take_data(vvsock, conn, header) || take_owed(vvsock, conn, ~0u, header);
}

/* ---- the queue ------------------------------------------------------------------------------- */

/* A buffer of the driver, with room for a byte of a stream. */
static bool have_buffer(struct vvsock *vvsock)
{
	if (vvsock->rx.held)
		return true;
	vvsock->rx.chain = (struct virtq_chain){ .iov = vvsock->rx.iov, .max_iov = VVSOCK_MAX_IOV };
	vvsock->rx.held = vvsock_pop(vvsock, VVSOCK_RX, &vvsock->rx.chain, true,
				     sizeof(struct vvsock_header) + 1) > 0;
	return vvsock->rx.held;
}

static void push(struct vvsock *vvsock, const struct vvsock_header *header)
{
	struct virtqueue *vq = &vvsock->dev.queues[VVSOCK_RX];
	const struct virtq_chain *chain = &vvsock->rx.chain;
	const struct scatter whole = { chain->iov, chain->nr_in, chain->in_len };

	scatter_put(&whole, 0, header, sizeof(*header));
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain->head, (uint32_t)sizeof(*header) + header->len);
	pthread_mutex_unlock(&vq->lock);
	vvsock->rx.held = false;
	vvsock_count(&vvsock->counters.rx_packets, 1);
}

static void serve_stray(struct vvsock *vvsock)
{
	const struct vvsock_stray *stray = &vvsock->strays[vvsock->first_stray];
	struct vvsock_header header =
		header_of(vvsock, stray->guest_port, stray->host_port, VVSOCK_OP_RST);

	header.type = stray->type;
	vvsock->first_stray = (vvsock->first_stray + 1) % VVSOCK_STRAYS;
	vvsock->nr_strays--;
	push(vvsock, &header);
}

static void serve_turn(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	struct vvsock_header header;

	vvsock_table_unwait(conn);
	if (take_packet(vvsock, conn, &header)) {
		push(vvsock, &header);
		if (header.op == VVSOCK_OP_RST) {
			vvsock_conn_over(vvsock, conn);
			return;
		}
	}
	vvsock_conn_look(vvsock, conn);
}

bool vvsock_receive(struct vvsock *vvsock)
{
	unsigned int n;

	for (n = 0; n < VVSOCK_BATCH; n++) {
		struct vvsock_conn *conn = vvsock_table_next(vvsock);

		vvsock->rx.starved = (conn || vvsock->nr_strays) && !have_buffer(vvsock);
		if (vvsock->rx.starved || (!conn && !vvsock->nr_strays))
			break;
		if (vvsock->nr_strays)
			serve_stray(vvsock);
		else
			serve_turn(vvsock, conn);
	}
	if (n)
		vvsock_publish(vvsock, VVSOCK_RX);
	return n > 0;
}
