/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/virtio: the socket device's connections, and who does what with them.
 *
 *   vsock_table.c   which connections there are, by ports and by age
 *   vsock_conn.c    what becomes of one: the state, what the guest is owed
 *   vsock_stream.c  bytes between one and its unix socket
 *   vsock_host.c    what unix sockets say
 *   vsock_tx.c      packets out of the guest
 *   vsock_rx.c      packets into the guest
 */
#ifndef ARCVISOR_VIRTIO_VSOCK_INTERNAL_H
#define ARCVISOR_VIRTIO_VSOCK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "scatter.h"
#include "virtio/vsock.h"
#include "vsock_packet.h"

#define VVSOCK_F_STREAM 0u /* section 5.10.3 */

enum { VVSOCK_RX, VVSOCK_TX, VVSOCK_EVENT, VVSOCK_QUEUES };

/* Entries of a chain: as many as a queue has, and over two regions that touch here and there. */
#define VVSOCK_MAX_IOV (VVSOCK_QUEUE_SIZE + GMEM_MAX_REGIONS)
#define VVSOCK_BATCH   64u  /* packets between two looks at the other direction */
#define VVSOCK_STRAYS  512u /* RSTs to nobody's packets that may wait for a buffer */
#define VVSOCK_BUCKETS 4096u

/* Ports that programs of the host get, as the guest sees them: none that the host listens at. */
#define VVSOCK_FIRST_PORT 0x40000000u
#define VVSOCK_LAST_PORT  0x7fffffffu

/* A list with its head in it. */
struct vvsock_link {
	struct vvsock_link *prev, *next;
};

enum vvsock_state {
	VVSOCK_FREE,
	VVSOCK_HELLO,  /* a program of the host that has not said whom it wants */
	VVSOCK_ASKED,  /* the guest is asked whether it takes it */
	VVSOCK_OPEN,   /* each may have closed its direction */
	VVSOCK_LEFT,   /* the host's program is gone: the guest is to say that it knows */
	VVSOCK_DYING,  /* the guest is owed a RST, and then it is over */
	VVSOCK_LINGER, /* over for the guest: what it sent goes on to the host */
};

/* Packets that the guest is owed, in the order in which they go. */
#define VVSOCK_OWES_RST	     0x01u
#define VVSOCK_OWES_REQUEST  0x02u
#define VVSOCK_OWES_RESPONSE 0x04u
#define VVSOCK_OWES_SHUTDOWN 0x08u
#define VVSOCK_OWES_ASK	     0x10u /* CREDIT_REQUEST */
#define VVSOCK_OWES_CREDIT   0x20u /* CREDIT_UPDATE, unless another packet says it */

struct vvsock_conn {
	enum vvsock_state state;
	int fd;		     /* -1: none any more */
	uint16_t generation; /* tells an event of this use of the place from those before */
	uint32_t guest_port, host_port;
	struct vvsock_conn *next_same; /* of its bucket */
	struct vvsock_link age;	       /* in one of: free, hellos, old */
	struct vvsock_link turn;       /* in ready, while it has something for the guest */
	bool named;		       /* it is in its bucket */
	bool dirty;		       /* its buffer was written */
	uint32_t owes;

	/* Host to guest (section 5.10.6.3; counts wrap). */
	bool readable; /* as far as is known */
	bool hung_up;  /* neither direction of the unix socket is open any more */
	bool asked;    /* a CREDIT_REQUEST is out */
	uint32_t guest_alloc, guest_fwd, sent;
	uint8_t host_shut; /* VVSOCK_SHUT_*: what the guest was or will be told */

	/* Guest to host. */
	uint8_t guest_shut;
	uint32_t received, fwd, told_fwd;
	uint32_t at, held; /* of the buffer: where, and how much */
};

/* A RST that no connection owes. */
struct vvsock_stray {
	uint32_t guest_port, host_port;
	uint16_t type;
};

/* One thread writes, others read. */
struct vvsock_counters {
	_Atomic uint64_t by_host, by_guest, refused, reset, unanswered;
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, tx_bad, tx_overrun;
};

/*
 * @lock guards all but what is atomic; the thread holds it while it does something, a vCPU that
 * resets the device or a queue takes it: order transport's -> @lock -> a virtqueue's.
 */
struct vvsock {
	struct virtio_device dev; /* first */
	struct vsock *host;
	pthread_mutex_t lock;
	_Atomic bool started; /* DRIVER_OK */
	int doorbell;	      /* eventfd */
	int epoll;	      /* of all unix sockets, edge-triggered */
	struct worker *worker;
	struct vvsock_counters counters;
	_Atomic unsigned int nr_used; /* places that are not free */

	unsigned int nr_conns;
	struct vvsock_conn *conns;
	uint8_t *buffers; /* VVSOCK_BUFFER each: memory that is there once it is written */
	struct vvsock_conn *buckets[VVSOCK_BUCKETS];
	struct vvsock_link free, hellos, old; /* the oldest first */
	unsigned int nr_hellos;
	struct vvsock_link ready; /* those with something for the guest take turns */
	uint32_t next_port;
	bool acceptable; /* programs may wait to be accepted */

	unsigned int first_stray, nr_strays;
	struct vvsock_stray strays[VVSOCK_STRAYS];

	struct {
		bool starved; /* it went on if the driver added buffers */
		bool held;    /* a chain that is out waits for something to be put in */
		struct virtq_chain chain;
		struct iovec iov[VVSOCK_MAX_IOV], room[VVSOCK_MAX_IOV];
	} rx;
	bool reset_due; /* the driver is to be told that its connections are gone */
	struct iovec tx_iov[VVSOCK_MAX_IOV], event_iov[VVSOCK_MAX_IOV];
};

static inline void vvsock_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* What was pushed to queue @index is the driver's, who is told if it wants that. */
void vvsock_publish(struct vvsock *vvsock, unsigned int index);

/*
 * The next chain of queue @index: 1, 0, or -EPROTO where this broke it, or it is not of @in (all of
 * it the device's to write) or has less than @least bytes: the driver has to reset the device.
 */
int vvsock_pop(struct vvsock *vvsock, unsigned int index, struct virtq_chain *chain, bool in,
	       size_t least);

/* ---- vsock_table.c --------------------------------------------------------------------------- */

int vvsock_table_init(struct vvsock *vvsock, unsigned int nr);
void vvsock_table_fini(struct vvsock *vvsock);

/*
 * A place for @fd, which is watched from here on and belongs to the place: in place of the one that
 * has been over for longest where there is no other. NULL: there is none; @fd is closed.
 */
struct vvsock_conn *vvsock_table_add(struct vvsock *vvsock, int fd, enum vvsock_state state);

/* Frees the place of @conn, and closes what it has open. */
void vvsock_table_remove(struct vvsock *vvsock, struct vvsock_conn *conn);

/* By its ports, once it has some; those that linger are not found. */
struct vvsock_conn *vvsock_table_find(const struct vvsock *vvsock, uint32_t guest_port,
				      uint32_t host_port);
void vvsock_table_name(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t guest_port,
		       uint32_t host_port);
void vvsock_table_forget(struct vvsock *vvsock, struct vvsock_conn *conn);

/* A port of the host's side for a connection to @guest_port. */
uint32_t vvsock_table_port(struct vvsock *vvsock, uint32_t guest_port);

/* @conn is over, but for what one side is slow with: it goes first when places are short. */
void vvsock_table_age(struct vvsock *vvsock, struct vvsock_conn *conn);

/* The connection of an event's @data, or NULL: it is gone. */
struct vvsock_conn *vvsock_table_of_event(const struct vvsock *vvsock, uint64_t data);

/* The buffer of @conn. */
uint8_t *vvsock_table_buffer(const struct vvsock *vvsock, const struct vvsock_conn *conn);

/* @conn waits for its turn on the receive queue, where it does not yet; or does not any more. */
void vvsock_table_wait(struct vvsock *vvsock, struct vvsock_conn *conn);
void vvsock_table_unwait(struct vvsock_conn *conn);

/* Whose turn it is, or NULL. */
struct vvsock_conn *vvsock_table_next(const struct vvsock *vvsock);

/* ---- vsock_conn.c ---------------------------------------------------------------------------- */

#define VVSOCK_LISTENER UINT64_MAX /* its events' data */

/* A packet out of the guest, that vvsock_packet_check() takes: @payload has header->len bytes. */
void vvsock_conn_take(struct vvsock *vvsock, const struct vvsock_header *header,
		      struct scatter *payload);

/* One that it refuses: a RST for its connection, or for nobody's. */
void vvsock_conn_refuse(struct vvsock *vvsock, const struct vvsock_header *header);

/* Notes a RST of @type that answers a packet of no connection. */
void vvsock_conn_stray(struct vvsock *vvsock, uint32_t guest_port, uint32_t host_port,
		       uint16_t type);

/* A program of the host wants the guest's @port. */
void vvsock_conn_ask(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t port);

/* The guest is owed @owes, OR-ed to what it is owed already. */
void vvsock_conn_owe(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t owes);

/* Lets @conn wait for its turn if it has something for the guest. */
void vvsock_conn_look(struct vvsock *vvsock, struct vvsock_conn *conn);

/* How many bytes the guest takes of @conn now. */
uint32_t vvsock_conn_credit(const struct vvsock_conn *conn);

/* Whether bytes are to be read for the guest. */
bool vvsock_conn_reads(const struct vvsock_conn *conn);

/* The host sends no more, takes no more (VVSOCK_SHUT_*), or is gone. */
void vvsock_conn_host_shut(struct vvsock *vvsock, struct vvsock_conn *conn, uint8_t shut);

/* The guest is owed a RST, and nothing else goes either way. */
void vvsock_conn_reset(struct vvsock *vvsock, struct vvsock_conn *conn);

/* The RST that was owed is on its way. */
void vvsock_conn_over(struct vvsock *vvsock, struct vvsock_conn *conn);

/* Ends all there are. */
void vvsock_conn_drop_all(struct vvsock *vvsock);

/* ---- vsock_stream.c -------------------------------------------------------------------------- */

/* Takes all of @payload, which the guest may send: on to the host, or into the buffer. */
void vvsock_stream_send(struct vvsock *vvsock, struct vvsock_conn *conn, struct scatter *payload);

/* The host may take more of what is in the buffer. */
void vvsock_stream_flush(struct vvsock *vvsock, struct vvsock_conn *conn);

/*
 * Up to @credit bytes off the unix socket into @room, which is changed: how many; 0: the host sends
 * no more; or -errno, -EAGAIN: there are none for now.
 */
ssize_t vvsock_stream_read(struct vvsock_conn *conn, struct scatter *room, uint32_t credit);

/* ---- vsock_host.c, vsock_tx.c, vsock_rx.c: on the thread, with the lock ---------------------- */

/* What unix sockets have to say. True: something. */
bool vvsock_host_serve(struct vvsock *vvsock);

/* Up to VVSOCK_BATCH packets. True: there was one. */
bool vvsock_transmit(struct vvsock *vvsock);
bool vvsock_receive(struct vvsock *vvsock);

/* Tells the driver what it is to be told on the event queue. True: it was. */
bool vvsock_tell_events(struct vvsock *vvsock);

/* ---- vsock_thread.c -------------------------------------------------------------------------- */

/* Does what there is to do; true: there was something. Takes the lock. */
bool vvsock_serve(struct vvsock *vvsock);

/* The driver shall ring where that helps, or need not. True: there is something already. */
bool vvsock_rings(struct vvsock *vvsock, bool on);

#endif
