/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a connection (virtio 1.2 section 5.10.6.5): by what the guest sends, by what its
 * unix socket says, and what the guest is owed for it.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "vsock_internal.h"

/* ---- what the guest is owed ------------------------------------------------------------------ */

/* A guest that counts more than it got has no credit: it stalls itself. */
uint32_t vvsock_conn_credit(const struct vvsock_conn *conn)
{
	uint32_t under_way = conn->sent - conn->guest_fwd;

	return under_way < conn->guest_alloc ? conn->guest_alloc - under_way : 0;
}

bool vvsock_conn_reads(const struct vvsock_conn *conn)
{
	return conn->state == VVSOCK_OPEN && conn->readable &&
	       !(conn->guest_shut & VVSOCK_SHUT_RECEIVE) && !(conn->host_shut & VVSOCK_SHUT_SEND);
}

void vvsock_conn_look(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	bool reads = vvsock_conn_reads(conn);

	if (reads && !vvsock_conn_credit(conn)) {
		reads = false;
		if (!conn->asked)
			conn->owes |= VVSOCK_OWES_ASK;
		conn->asked = true;
	}
	if (conn->owes || reads)
		vvsock_table_wait(vvsock, conn);
}

void vvsock_conn_owe(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t owes)
{
	conn->owes |= owes;
	vvsock_table_wait(vvsock, conn);
}

void vvsock_conn_stray(struct vvsock *vvsock, uint32_t guest_port, uint32_t host_port,
		       uint16_t type)
{
	if (vvsock->nr_strays == VVSOCK_STRAYS) {
		vvsock_count(&vvsock->counters.unanswered, 1);
		return;
	}
	vvsock->strays[(vvsock->first_stray + vvsock->nr_strays++) % VVSOCK_STRAYS] =
		(struct vvsock_stray){ guest_port, host_port, type };
}

/* ---- the end --------------------------------------------------------------------------------- */

static void close_host(struct vvsock_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->held = 0;
}

/* Only a RST goes to the guest from here on; what it sent before may go on to the host. */
static void die(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	conn->state = VVSOCK_DYING;
	conn->owes = 0;
	if (!conn->held)
		close_host(conn);
	vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_RST);
}

void vvsock_conn_reset(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	vvsock_count(&vvsock->counters.reset, 1);
	close_host(conn);
	die(vvsock, conn);
}

void vvsock_conn_over(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->fd < 0) {
		vvsock_table_remove(vvsock, conn);
		return;
	}
	vvsock_table_forget(vvsock, conn);
	vvsock_table_unwait(conn);
	conn->owes = 0;
	conn->state = VVSOCK_LINGER;
	vvsock_table_age(vvsock, conn);
}

/* What was sent before an orderly end is not lost by it. */
static void take_rst(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->state == VVSOCK_ASKED)
		vvsock_count(&vvsock->counters.refused, 1);
	else if (conn->state == VVSOCK_OPEN)
		vvsock_count(&vvsock->counters.reset, 1);
	if (!conn->held || !(conn->guest_shut & VVSOCK_SHUT_SEND))
		close_host(conn);
	vvsock_conn_over(vvsock, conn);
}

void vvsock_conn_drop_all(struct vvsock *vvsock)
{
	for (unsigned int i = 0; i < vvsock->nr_conns; i++)
		if (vvsock->conns[i].state != VVSOCK_FREE)
			vvsock_table_remove(vvsock, &vvsock->conns[i]);
	vvsock->first_stray = vvsock->nr_strays = 0;
}

/* ---- what the host does ---------------------------------------------------------------------- */

void vvsock_conn_ask(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t port)
{
	vvsock_table_name(vvsock, conn, port, vvsock_table_port(vvsock, port));
	vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_REQUEST);
}

static void shut_open(struct vvsock *vvsock, struct vvsock_conn *conn, uint8_t shut)
{
	if ((conn->host_shut | shut) == conn->host_shut)
		return;
	conn->host_shut |= shut;
	if (conn->host_shut & VVSOCK_SHUT_RECEIVE) { /* what it would not take is done with */
		conn->fwd += conn->held;
		conn->held = 0;
	}
	if (conn->host_shut == VVSOCK_SHUT_BOTH) {
		close_host(conn);
		conn->state = VVSOCK_LEFT;
		vvsock_table_age(vvsock, conn);
	}
	vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_SHUTDOWN);
}

void vvsock_conn_host_shut(struct vvsock *vvsock, struct vvsock_conn *conn, uint8_t shut)
{
	switch (conn->state) {
	case VVSOCK_HELLO:
		vvsock_table_remove(vvsock, conn);
		break;
	case VVSOCK_ASKED: /* what it left is the guest's if it takes it */
		vvsock_table_age(vvsock, conn);
		break;
	case VVSOCK_OPEN:
		shut_open(vvsock, conn, shut);
		break;
	case VVSOCK_DYING:
		close_host(conn);
		break;
	case VVSOCK_LINGER:
		vvsock_table_remove(vvsock, conn);
		break;
	case VVSOCK_LEFT:
	case VVSOCK_FREE:
		break;
	}
}

/* ---- what the guest does --------------------------------------------------------------------- */

static void take_request(struct vvsock *vvsock, const struct vvsock_header *header)
{
	int fd = vsock_connect(vvsock->host, header->dst_port);
	struct vvsock_conn *conn = fd < 0 ? NULL : vvsock_table_add(vvsock, fd, VVSOCK_OPEN);

	if (!conn) {
		vvsock_count(&vvsock->counters.refused, 1);
		vvsock_conn_stray(vvsock, header->src_port, header->dst_port, header->type);
		return;
	}
	vvsock_table_name(vvsock, conn, header->src_port, header->dst_port);
	conn->guest_alloc = header->buf_alloc;
	conn->guest_fwd = header->fwd_cnt;
	vvsock_count(&vvsock->counters.by_guest, 1);
	vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_RESPONSE);
}

static void take_response(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->state != VVSOCK_ASKED || (conn->owes & VVSOCK_OWES_REQUEST)) {
		vvsock_count(&vvsock->counters.tx_bad, 1);
		vvsock_conn_reset(vvsock, conn);
		return;
	}
	conn->state = VVSOCK_OPEN;
	vvsock_count(&vvsock->counters.by_host, 1);
	if (vsock_hello_answer(conn->fd, conn->host_port) < 0)
		vvsock_conn_host_shut(vvsock, conn, VVSOCK_SHUT_RECEIVE);
}

/* Its direction ends behind what is in the buffer: vsock_stream.c. */
static void take_shutdown(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t flags)
{
	if (conn->state == VVSOCK_ASKED) {
		vvsock_conn_reset(vvsock, conn);
		return;
	}
	conn->guest_shut |= flags & VVSOCK_SHUT_BOTH;
	if (conn->guest_shut == VVSOCK_SHUT_BOTH) {
		die(vvsock, conn);
		return;
	}
	if (conn->fd < 0)
		return;
	if (conn->guest_shut & VVSOCK_SHUT_RECEIVE)
		shutdown(conn->fd, SHUT_RD);
	if ((conn->guest_shut & VVSOCK_SHUT_SEND) && !conn->held)
		shutdown(conn->fd, SHUT_WR);
}

static void take_data(struct vvsock *vvsock, struct vvsock_conn *conn, struct scatter *payload)
{
	if (conn->state == VVSOCK_ASKED || (conn->guest_shut & VVSOCK_SHUT_SEND)) {
		vvsock_count(&vvsock->counters.tx_bad, 1);
		vvsock_conn_reset(vvsock, conn);
		return;
	}
	if (payload->len > VVSOCK_BUFFER - conn->held) {
		vvsock_count(&vvsock->counters.tx_overrun, 1);
		vvsock_conn_reset(vvsock, conn);
		return;
	}
	vvsock_count(&vvsock->counters.tx_bytes, payload->len);
	vvsock_stream_send(vvsock, conn, payload);
}

static void take_credit(struct vvsock_conn *conn, const struct vvsock_header *header)
{
	conn->guest_alloc = header->buf_alloc;
	conn->guest_fwd = header->fwd_cnt;
	if (vvsock_conn_credit(conn))
		conn->asked = false;
}

static void take_known(struct vvsock *vvsock, struct vvsock_conn *conn,
		       const struct vvsock_header *header, struct scatter *payload)
{
	take_credit(conn, header);
	switch ((enum vvsock_op)header->op) {
	case VVSOCK_OP_REQUEST:
		vvsock_count(&vvsock->counters.tx_bad, 1);
		vvsock_conn_reset(vvsock, conn);
		break;
	case VVSOCK_OP_RESPONSE:
		take_response(vvsock, conn);
		break;
	case VVSOCK_OP_SHUTDOWN:
		take_shutdown(vvsock, conn, header->flags);
		break;
	case VVSOCK_OP_RW:
		take_data(vvsock, conn, payload);
		break;
	case VVSOCK_OP_CREDIT_REQUEST:
		vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_CREDIT);
		break;
	case VVSOCK_OP_CREDIT_UPDATE:
	case VVSOCK_OP_RST:
		break;
	}
	vvsock_conn_look(vvsock, conn);
}

void vvsock_conn_take(struct vvsock *vvsock, const struct vvsock_header *header,
		      struct scatter *payload)
{
	struct vvsock_conn *conn = vvsock_table_find(vvsock, header->src_port, header->dst_port);

	if (conn && header->op == VVSOCK_OP_RST)
		take_rst(vvsock, conn);
	else if (conn && conn->state != VVSOCK_DYING)
		take_known(vvsock, conn, header, payload);
	else if (!conn && header->op == VVSOCK_OP_REQUEST)
		take_request(vvsock, header);
	else if (!conn && header->op != VVSOCK_OP_RST)
		vvsock_conn_stray(vvsock, header->src_port, header->dst_port, header->type);
}

void vvsock_conn_refuse(struct vvsock *vvsock, const struct vvsock_header *header)
{
	struct vvsock_conn *conn = NULL;

	if (header->type == VVSOCK_TYPE_STREAM)
		conn = vvsock_table_find(vvsock, header->src_port, header->dst_port);
	if (!conn)
		vvsock_conn_stray(vvsock, header->src_port, header->dst_port, header->type);
	else if (conn->state != VVSOCK_DYING)
		vvsock_conn_reset(vvsock, conn);
}
