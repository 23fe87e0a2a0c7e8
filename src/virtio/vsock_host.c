/* SPDX-License-Identifier: Apache-2.0 */
/* What unix sockets say: programs that come, their first lines, bytes, room, and their ends. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "vsock_internal.h"

#define EVENTS 64

/* One that has no place is closed, which tells the program. */
static bool accept_one(struct vvsock *vvsock)
{
	static struct log_limit none = { .burst = 1 };
	int fd = vsock_accept(vvsock->host);

	if (fd >= 0) {
		if (!vvsock_table_add(vvsock, fd, VVSOCK_HELLO))
			vvsock_count(&vvsock->counters.refused, 1);
		return true;
	}
	if (fd == -EMFILE || fd == -ENFILE) { /* it waits until there is one again */
		log_limited(&none, LOG_LEVEL_WARN,
			    "vsock: no descriptor for another connection; raise ulimit -n");
		return false;
	}
	vvsock->acceptable = fd != -EAGAIN;
	return false;
}

static bool accept_some(struct vvsock *vvsock)
{
	unsigned int n = 0;

	while (n < EVENTS && vvsock->acceptable && accept_one(vvsock))
		n++;
	return n > 0;
}

static void read_hello(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	uint32_t port;
	int ret = vsock_hello_read(conn->fd, &port);

	if (ret > 0) {
		conn->readable = true; /* more may have come with it */
		vvsock_conn_ask(vvsock, conn, port);
	} else if (ret < 0 || conn->hung_up) {
		vvsock_count(&vvsock->counters.refused, 1);
		vvsock_table_remove(vvsock, conn);
	}
}

/* A program that is gone may have left bytes for the guest: its end is behind them. */
static void notice_end(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->state != VVSOCK_OPEN || (conn->guest_shut & VVSOCK_SHUT_RECEIVE) ||
	    (conn->host_shut & VVSOCK_SHUT_SEND))
		vvsock_conn_host_shut(vvsock, conn, VVSOCK_SHUT_BOTH);
}

static void take_event(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->readable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		conn->hung_up = true;
	if (conn->state == VVSOCK_HELLO) {
		read_hello(vvsock, conn);
		return;
	}
	if (events & EPOLLOUT)
		vvsock_stream_flush(vvsock, conn);
	if (conn->hung_up)
		notice_end(vvsock, conn);
	if (conn->state != VVSOCK_FREE)
		vvsock_conn_look(vvsock, conn);
}

bool vvsock_host_serve(struct vvsock *vvsock)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(vvsock->epoll, events, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		struct vvsock_conn *conn;

		if (events[i].data.u64 == VVSOCK_LISTENER) {
			vvsock->acceptable = true;
			continue;
		}
		conn = vvsock_table_of_event(vvsock, events[i].data.u64);
		if (conn)
			take_event(vvsock, conn, events[i].events);
	}
	return accept_some(vvsock) || n > 0;
}
