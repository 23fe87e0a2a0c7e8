/*
 * What init (in the emulated host) and relay (outside) say to each other, over one virtio-serial
 * port. Both ends are little-endian.
 *
 * One port for everything, in frames, because a port has no half-close: QEMU throws away what the
 * guest writes to a port once its other direction has ended.
 */
#ifndef ARMHOST_CHANNEL_H
#define ARMHOST_CHANNEL_H

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL_PORT "org.arcvisor.armhost"
#define FRAME_MAX    32768u
#define BEAT_MS	     5000

enum frame_type {
	/* relay to init */
	FRAME_STDIN = 'i',   /* bytes; none at all means end of file */
	FRAME_WINSIZE = 'w', /* struct frame_winsize */

	/* init to relay */
	FRAME_HELLO = 'h', /* the host is up */
	FRAME_STDOUT = 'o',
	FRAME_STDERR = 'e',
	FRAME_BEAT = 't',   /* the host still runs; every BEAT_MS where /armhost/beat is there */
	FRAME_EXIT = 'x',   /* arg: the command's status; all of its output went before */
	FRAME_FILE = 'f',   /* struct frame_file: the next --get comes */
	FRAME_DATA = 'd',   /* its bytes; a directory comes as a tar archive */
	FRAME_FAILED = '!', /* text: what the host could not do */
	FRAME_BYE = 'b',    /* everything is said and synced */
};

struct frame {
	uint8_t type;
	uint8_t arg;
	uint16_t reserved;
	uint32_t len;
};

struct frame_winsize {
	uint16_t rows;
	uint16_t cols;
};

struct frame_file {
	uint32_t mode; /* st_mode; 0: there is no such file */
};

struct channel {
	int fd;		/* non-blocking */
	size_t in_len;	/* bytes in @in */
	size_t out_len; /* bytes in @out, of which the first @out_sent are sent */
	size_t out_sent;
	uint8_t in[sizeof(struct frame) + FRAME_MAX];
	uint8_t out[sizeof(struct frame) + FRAME_MAX];
};

/* May a frame be put? One at a time: so that who reads slowly slows down who writes. */
static inline bool channel_idle(const struct channel *ch)
{
	return ch->out_len == 0;
}

/* Where the bytes of the next frame may be built in place. */
static inline uint8_t *channel_payload(struct channel *ch)
{
	assert(channel_idle(ch));
	return ch->out + sizeof(struct frame);
}

/* Makes a frame of @len bytes at channel_payload(). */
static inline void channel_commit(struct channel *ch, enum frame_type type, uint8_t arg, size_t len)
{
	struct frame head = { .type = (uint8_t)type, .arg = arg, .len = (uint32_t)len };

	assert(channel_idle(ch) && len <= FRAME_MAX);
	memcpy(ch->out, &head, sizeof(head));
	ch->out_len = sizeof(head) + len;
	ch->out_sent = 0;
}

/* Sends what the other side takes now. Returns 0 or -errno. */
static inline int channel_flush(struct channel *ch)
{
	while (ch->out_sent < ch->out_len) {
		ssize_t n = write(ch->fd, ch->out + ch->out_sent, ch->out_len - ch->out_sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		ch->out_sent += (size_t)n;
	}
	ch->out_len = 0;
	return 0;
}

/* Puts a whole frame and waits until it is gone. Returns 0 or -errno. */
static inline int channel_send(struct channel *ch, enum frame_type type, uint8_t arg,
			       const void *data, size_t len)
{
	struct pollfd pfd = { .fd = ch->fd, .events = POLLOUT };
	int err;

	if (len && data != channel_payload(ch))
		memcpy(channel_payload(ch), data, len);
	channel_commit(ch, type, arg, len);
	while (!(err = channel_flush(ch)) && !channel_idle(ch))
		poll(&pfd, 1, -1);
	return err;
}

/* The first frame received, if it is complete; it stays until channel_drop(). */
static inline const struct frame *channel_frame(const struct channel *ch)
{
	const struct frame *head = (const void *)ch->in;

	if (ch->in_len < sizeof(*head) || ch->in_len < sizeof(*head) + head->len)
		return NULL;
	return head;
}

static inline void channel_drop(struct channel *ch)
{
	const struct frame *head = channel_frame(ch);
	size_t size = sizeof(*head) + head->len;

	ch->in_len -= size;
	memmove(ch->in, ch->in + size, ch->in_len);
}

/*
 * Receives what is there, one frame at most. Returns 1 if it made progress, 0 if nothing is there,
 * -EPIPE at the end, -EPROTO for a frame that cannot be, or another -errno.
 */
static inline int channel_fill(struct channel *ch)
{
	const struct frame *head = (const void *)ch->in;
	size_t want = sizeof(*head);
	ssize_t n;

	if (ch->in_len >= sizeof(*head)) {
		if (head->len > FRAME_MAX)
			return -EPROTO;
		want += head->len;
	}
	n = read(ch->fd, ch->in + ch->in_len, want - ch->in_len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	ch->in_len += (size_t)n;
	return 1;
}

#endif
