/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the socket device: a fixed number of places, found by ports. Buffers are one
 * mapping, of which the host gives what is written; a place that is freed gives that back.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vsock_internal.h"

#define CONTAINER(link, member) \
	((struct vvsock_conn *)(void *)((char *)(link)-offsetof(struct vvsock_conn, member)))

/* ---- lists ----------------------------------------------------------------------------------- */

static void list_init(struct vvsock_link *list)
{
	list->prev = list->next = list;
}

static void list_append(struct vvsock_link *list, struct vvsock_link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Out of the list it is in, if any. */
static void list_leave(struct vvsock_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

static struct vvsock_conn *oldest(const struct vvsock_link *list)
{
	return list->next == list ? NULL : CONTAINER(list->next, age);
}

/* ---- places ---------------------------------------------------------------------------------- */

int vvsock_table_init(struct vvsock *vvsock, unsigned int nr)
{
	void *buffers;

	list_init(&vvsock->free);
	list_init(&vvsock->hellos);
	list_init(&vvsock->old);
	list_init(&vvsock->ready);
	vvsock->next_port = VVSOCK_FIRST_PORT;
	vvsock->conns = calloc(nr, sizeof(vvsock->conns[0]));
	if (!vvsock->conns)
		return -ENOMEM;
	buffers = mmap(NULL, (size_t)nr * VVSOCK_BUFFER, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buffers == MAP_FAILED)
		return -errno;
	vvsock->buffers = buffers;
	vvsock->nr_conns = nr;
	for (unsigned int i = 0; i < nr; i++) {
		vvsock->conns[i].fd = -1;
		list_init(&vvsock->conns[i].turn);
		list_append(&vvsock->free, &vvsock->conns[i].age);
	}
	return 0;
}

void vvsock_table_fini(struct vvsock *vvsock)
{
	if (vvsock->buffers)
		munmap(vvsock->buffers, (size_t)vvsock->nr_conns * VVSOCK_BUFFER);
	free(vvsock->conns);
}

static unsigned int index_of(const struct vvsock *vvsock, const struct vvsock_conn *conn)
{
	return (unsigned int)(conn - vvsock->conns);
}

uint8_t *vvsock_table_buffer(const struct vvsock *vvsock, const struct vvsock_conn *conn)
{
	return vvsock->buffers + (size_t)index_of(vvsock, conn) * VVSOCK_BUFFER;
}

static uint64_t event_data(const struct vvsock *vvsock, const struct vvsock_conn *conn)
{
	return (uint64_t)conn->generation << 32 | index_of(vvsock, conn);
}

/* An event that was fetched may be of a connection that has ended since. */
struct vvsock_conn *vvsock_table_of_event(const struct vvsock *vvsock, uint64_t data)
{
	struct vvsock_conn *conn = &vvsock->conns[(uint32_t)data];

	return conn->state != VVSOCK_FREE && conn->generation == data >> 32 ? conn : NULL;
}

static int watch(const struct vvsock *vvsock, const struct vvsock_conn *conn)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = event_data(vvsock, conn),
	};

	return epoll_ctl(vvsock->epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0 ? -errno : 0;
}

/*
 * Who has been over for longest makes room. A guest that has not answered the end of its connection
 * by then is told that this was it (section 5.10.6.5).
 */
static struct vvsock_conn *find_place(struct vvsock *vvsock)
{
	struct vvsock_conn *conn = oldest(&vvsock->old);

	if (!oldest(&vvsock->free) && conn) {
		if (conn->named)
			vvsock_conn_stray(vvsock, conn->guest_port, conn->host_port,
					  VVSOCK_TYPE_STREAM);
		vvsock_table_remove(vvsock, conn);
	}
	return oldest(&vvsock->free);
}

struct vvsock_conn *vvsock_table_add(struct vvsock *vvsock, int fd, enum vvsock_state state)
{
	struct vvsock_conn *conn;

	if (state == VVSOCK_HELLO && vvsock->nr_hellos == VVSOCK_HELLOS)
		vvsock_table_remove(vvsock, oldest(&vvsock->hellos));
	conn = find_place(vvsock);
	if (!conn) {
		close(fd);
		return NULL;
	}
	list_leave(&conn->age);
	*conn = (struct vvsock_conn){
		.state = state,
		.fd = fd,
		.generation = (uint16_t)(conn->generation + 1),
	};
	list_init(&conn->age);
	list_init(&conn->turn);
	atomic_fetch_add(&vvsock->nr_used, 1);
	if (state == VVSOCK_HELLO) {
		list_append(&vvsock->hellos, &conn->age);
		vvsock->nr_hellos++;
	}
	if (watch(vvsock, conn) < 0) {
		vvsock_table_remove(vvsock, conn);
		return NULL;
	}
	return conn;
}

/* A buffer that was never written costs nothing to keep. */
static void clean_buffer(struct vvsock *vvsock, const struct vvsock_conn *conn)
{
	if (conn->dirty)
		madvise(vvsock_table_buffer(vvsock, conn), VVSOCK_BUFFER, MADV_DONTNEED);
}

void vvsock_table_remove(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	if (conn->state == VVSOCK_HELLO)
		vvsock->nr_hellos--;
	vvsock_table_forget(vvsock, conn);
	vvsock_table_unwait(conn);
	clean_buffer(vvsock, conn);
	list_leave(&conn->age);
	list_append(&vvsock->free, &conn->age);
	conn->fd = -1;
	conn->state = VVSOCK_FREE;
	atomic_fetch_sub(&vvsock->nr_used, 1);
}

void vvsock_table_age(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	list_leave(&conn->age);
	list_append(&vvsock->old, &conn->age);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static unsigned int bucket_of(uint32_t guest_port, uint32_t host_port)
{
	return (guest_port * 0x9e3779b1u ^ host_port * 0x85ebca6bu) >> 20;
}

_Static_assert(VVSOCK_BUCKETS == 1u << (32 - 20), "what bucket_of() gives");

struct vvsock_conn *vvsock_table_find(const struct vvsock *vvsock, uint32_t guest_port,
				      uint32_t host_port)
{
	struct vvsock_conn *conn = vvsock->buckets[bucket_of(guest_port, host_port)];

	while (conn && (conn->guest_port != guest_port || conn->host_port != host_port))
		conn = conn->next_same;
	return conn;
}

void vvsock_table_name(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t guest_port,
		       uint32_t host_port)
{
	struct vvsock_conn **bucket = &vvsock->buckets[bucket_of(guest_port, host_port)];

	if (conn->state == VVSOCK_HELLO) {
		list_leave(&conn->age);
		vvsock->nr_hellos--;
		conn->state = VVSOCK_ASKED;
	}
	conn->guest_port = guest_port;
	conn->host_port = host_port;
	conn->next_same = *bucket;
	conn->named = true;
	*bucket = conn;
}

void vvsock_table_forget(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	struct vvsock_conn **at = &vvsock->buckets[bucket_of(conn->guest_port, conn->host_port)];

	if (!conn->named)
		return;
	while (*at != conn)
		at = &(*at)->next_same;
	*at = conn->next_same;
	conn->named = false;
}

/* There are more of them than connections, so one is free. */
uint32_t vvsock_table_port(struct vvsock *vvsock, uint32_t guest_port)
{
	uint32_t port;

	do {
		port = vvsock->next_port;
		vvsock->next_port = port == VVSOCK_LAST_PORT ? VVSOCK_FIRST_PORT : port + 1;
	} while (vvsock_table_find(vvsock, guest_port, port));
	return port;
}

/* ---- turns ----------------------------------------------------------------------------------- */

void vvsock_table_wait(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->turn.next == &conn->turn)
		list_append(&vvsock->ready, &conn->turn);
}

void vvsock_table_unwait(struct vvsock_conn *conn)
{
	list_leave(&conn->turn);
}

struct vvsock_conn *vvsock_table_next(const struct vvsock *vvsock)
{
	const struct vvsock_link *first = vvsock->ready.next;

	return first == &vvsock->ready ? NULL : CONTAINER(first, turn);
}
