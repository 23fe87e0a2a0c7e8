/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between a serial device and the host's terminal, pipe, file or pseudo terminal. */
#include "console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "escape.h"
#include "ring.h"
#include "term.h"

/* What a pipe that polls as writable takes without blocking (POSIX PIPE_BUF is at least that). */
#define WRITE_CHUNK 512
#define INPUT_SIZE  256
#define FLUSH_MS    1000 /* for a reader that is slow when the machine has ended */

/*
 * After each write the loop looks at the ring once more so much later, and until then a byte
 * wakes nobody: a guest that prints costs a wake-up a piece, not a character.
 */
#define GATHER_NS 1000000

struct console {
	struct loop *loop;
	struct console_sink sink; /* the loop's thread; zeroes where none is attached */
	void (*quit)(void *ctx);
	void *quit_ctx;

	struct loop_fd in;	   /* fd -1: no input, or its end was reached */
	struct loop_fd out;	   /* fd -1: output is dropped */
	bool in_watched, in_polls; /* polls: epoll takes it, so that readiness is an event */
	bool out_watched, out_polls;
	bool owns_fds;
	int pty_peer; /* keeps a pseudo terminal alive that nobody has open; -1 */

	bool escapes; /* the input is a terminal in raw mode */
	struct escape escape;
	uint8_t input[INPUT_SIZE]; /* read, not taken by the sink yet */
	size_t input_len;

	struct loop_event kick;	  /* output came, or the sink has room */
	struct loop_timer gather; /* armed after each write */

	/* Guards all below; a leaf. */
	pthread_mutex_t lock;
	bool was_full;
	bool awake; /* the loop will look at the ring by itself: no kick is needed */
	struct ring ring;
};

static const char help_text[] = "\r\nCtrl-A x       end the machine\r\n"
				"Ctrl-A h       this help\r\n"
				"Ctrl-A Ctrl-A  send one Ctrl-A\r\n";

size_t console_write(struct console *console, const uint8_t *buf, size_t len)
{
	bool wake;
	size_t n;

	if (console->out.fd < 0)
		return len;
	pthread_mutex_lock(&console->lock);
	n = ring_put(&console->ring, buf, len);
	if (n < len)
		console->was_full = true;
	wake = !console->awake;
	console->awake = true;
	pthread_mutex_unlock(&console->lock);
	if (wake)
		loop_event_raise(&console->kick);
	return n;
}

void console_input_ready(struct console *console)
{
	loop_event_raise(&console->kick);
}

/* The reader is gone: the guest goes on without one. */
static void drop_output(struct console *console, int error)
{
	log_warn("console output is lost from here on: %s", strerror(error));
	pthread_mutex_lock(&console->lock);
	ring_drop(&console->ring, ring_used(&console->ring));
	pthread_mutex_unlock(&console->lock);
}

static bool writable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	return poll(&pollfd, 1, 0) == 1;
}

/*
 * Writes one piece of the ring. The descriptor may be shared with others and so stays blocking:
 * no more is written than one that polls as writable takes. False when there is nothing to
 * write or the reader is not ready.
 */
static bool write_some(struct console *console)
{
	const uint8_t *bytes;
	ssize_t n;
	size_t len;

	/* Only this thread takes bytes out, so what is peeked stays where it is. */
	pthread_mutex_lock(&console->lock);
	bytes = ring_peek(&console->ring, WRITE_CHUNK, &len);
	pthread_mutex_unlock(&console->lock);
	if (!len || (console->out_polls && !writable(console->out.fd)))
		return false;
	n = write(console->out.fd, bytes, len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (n < 0) {
		drop_output(console, errno);
		return false;
	}
	pthread_mutex_lock(&console->lock);
	ring_drop(&console->ring, (size_t)n);
	pthread_mutex_unlock(&console->lock);
	return true;
}

/* Watches for the reader to be ready only while there is something to write. */
static void watch_output(struct console *console, bool want)
{
	if (!console->out_polls || console->out_watched == want)
		return;
	if (want)
		console->out_watched = loop_fd_add(console->loop, &console->out, EPOLLOUT) == 0;
	else
		loop_fd_remove(console->loop, &console->out);
	if (!want)
		console->out_watched = false;
}

static void tell_drained(struct console *console)
{
	bool drained;

	pthread_mutex_lock(&console->lock);
	drained = console->was_full && ring_used(&console->ring) < RING_SIZE;
	if (drained)
		console->was_full = false;
	pthread_mutex_unlock(&console->lock);
	if (drained && console->sink.drained)
		console->sink.drained(console->sink.ctx);
}

static size_t pending_output(struct console *console)
{
	size_t used;

	pthread_mutex_lock(&console->lock);
	used = ring_used(&console->ring);
	pthread_mutex_unlock(&console->lock);
	return used;
}

static void push_output(struct console *console)
{
	if (console->out.fd < 0)
		return;
	while (write_some(console))
		;
	watch_output(console, pending_output(console) > 0);
	tell_drained(console);
	loop_timer_set(&console->gather, GATHER_NS);
}

/* If nothing came since the last write, the next byte has to wake us. */
static void gathered(void *ctx)
{
	struct console *console = ctx;
	bool sleep;

	pthread_mutex_lock(&console->lock);
	sleep = ring_used(&console->ring) == 0;
	console->awake = !sleep;
	pthread_mutex_unlock(&console->lock);
	if (!sleep && !console->out_watched)
		push_output(console);
}

static void output_ready(void *ctx, uint32_t events)
{
	(void)events;
	push_output(ctx);
}

/* Takes escapes out of what was typed; how many bytes are left for the guest. */
static size_t filter_escapes(struct console *console, uint8_t *buf, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		switch (escape_next(&console->escape, buf[i])) {
		case ESCAPE_PASS:
			buf[kept++] = buf[i];
			break;
		case ESCAPE_QUIT:
			console->quit(console->quit_ctx);
			break;
		case ESCAPE_HELP:
			console_write(console, (const uint8_t *)help_text, strlen(help_text));
			break;
		case ESCAPE_HOLD:
		case ESCAPE_DROP:
			break;
		}
	}
	return kept;
}

static void watch_input(struct console *console, bool want)
{
	if (!console->in_polls || console->in_watched == want)
		return;
	if (want)
		console->in_watched = loop_fd_add(console->loop, &console->in, EPOLLIN) == 0;
	else
		loop_fd_remove(console->loop, &console->in);
	if (!want)
		console->in_watched = false;
}

static void end_input(struct console *console)
{
	watch_input(console, false);
	if (console->owns_fds)
		close(console->in.fd);
	console->in.fd = -1;
}

static void offer_input(struct console *console)
{
	size_t n = 0;

	if (console->input_len && console->sink.input)
		n = console->sink.input(console->sink.ctx, console->input, console->input_len);
	console->input_len -= n;
	memmove(console->input, console->input + n, console->input_len);
}

/* Reads once. False at the input's end. */
static bool read_input(struct console *console)
{
	ssize_t n = read(console->in.fd, console->input, sizeof(console->input));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	console->input_len =
		console->escapes ? filter_escapes(console, console->input, (size_t)n) : (size_t)n;
	return n > 0;
}

static void input_ready(void *ctx, uint32_t events)
{
	struct console *console = ctx;

	(void)events;
	if (!console->input_len && !read_input(console)) {
		end_input(console);
		return;
	}
	offer_input(console);
	watch_input(console, console->input_len == 0);
}

/*
 * The sink may have room. Input that does not poll (a file) is always there, and so is read here,
 * as long as it is taken. A terminal is read even where no sink takes it: the escape must work.
 */
static void pull_input(struct console *console)
{
	offer_input(console);
	while (console->in.fd >= 0 && !console->in_polls && console->sink.input &&
	       !console->input_len) {
		if (!read_input(console))
			end_input(console);
		offer_input(console);
	}
	watch_input(console, console->in.fd >= 0 && console->input_len == 0);
}

static void kicked(void *ctx)
{
	struct console *console = ctx;

	if (pending_output(console))
		push_output(console);
	pull_input(console);
}

void console_attach(struct console *console, const struct console_sink *sink)
{
	console->sink = sink ? *sink : (struct console_sink){ 0 };
	if (sink)
		loop_event_raise(&console->kick);
}

/* Regular files and the like are always ready, and epoll refuses them. */
static bool can_poll(struct loop *loop, struct loop_fd *source)
{
	if (source->fd < 0 || loop_fd_add(loop, source, 0) < 0)
		return false;
	loop_fd_remove(loop, source);
	return true;
}

static int open_stdio(struct console *console)
{
	console->in.fd = fcntl(STDIN_FILENO, F_GETFD) < 0 ? -1 : STDIN_FILENO;
	console->out.fd = fcntl(STDOUT_FILENO, F_GETFD) < 0 ? -1 : STDOUT_FILENO;
	if (console->in.fd >= 0 && term_raw(console->in.fd) == 0)
		console->escapes = true;
	return 0;
}

static int open_file(struct console *console, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	int ret = fd < 0 ? -errno : 0;

	if (ret < 0) {
		log_error("--console %s: cannot be written: %s", path, strerror(-ret));
		return ret;
	}
	console->out.fd = fd;
	console->owns_fds = true;
	return 0;
}

/* Opens the side that users open, and makes it raw: the guest's driver does the editing. */
static int open_peer(int fd)
{
	struct termios mode;
	const char *name = ptsname(fd);
	int peer = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;

	if (peer < 0)
		return -errno;
	if (tcgetattr(peer, &mode) == 0) {
		cfmakeraw(&mode);
		tcsetattr(peer, TCSANOW, &mode);
	}
	return peer;
}

static int open_pty(struct console *console)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int ret = -EIO;

	if (fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0)
		ret = open_peer(fd);
	if (ret < 0) {
		log_error("--console pty: cannot make a pseudo terminal: %s", strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	console->pty_peer = ret;
	console->owns_fds = true;
	console->in.fd = fd;
	console->out.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* epoll takes a descriptor once */
	if (console->out.fd < 0)
		return -errno;
	log_warn("the console is %s", ptsname(fd));
	return 0;
}

static int open_console(struct console *console, const struct console_config *config)
{
	switch (config->kind) {
	case CONSOLE_STDIO:
		return open_stdio(console);
	case CONSOLE_FILE:
		return open_file(console, config->path);
	case CONSOLE_PTY:
		return open_pty(console);
	case CONSOLE_NONE:
		break;
	}
	return 0;
}

int console_create(struct loop *loop, const struct console_config *config, void (*quit)(void *ctx),
		   void *quit_ctx, struct console **out)
{
	struct console *console = calloc(1, sizeof(*console));
	int ret;

	if (!console)
		return -ENOMEM;
	console->loop = loop;
	console->quit = quit;
	console->quit_ctx = quit_ctx;
	console->pty_peer = -1;
	console->in = (struct loop_fd){ .fd = -1, .callback = input_ready, .ctx = console };
	console->out = (struct loop_fd){ .fd = -1, .callback = output_ready, .ctx = console };
	pthread_mutex_init(&console->lock, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error of write(2) */

	ret = loop_event_init(loop, &console->kick, kicked, console);
	if (ret < 0)
		goto fail;
	ret = loop_timer_init(loop, &console->gather, gathered, console);
	if (ret < 0)
		goto fail_kick;
	ret = open_console(console, config);
	if (ret < 0)
		goto fail_open;
	console->in_polls = can_poll(loop, &console->in);
	console->out_polls = can_poll(loop, &console->out);
	loop_event_raise(&console->kick);
	*out = console;
	return 0;

fail_open:
	if (console->pty_peer >= 0)
		close(console->pty_peer);
	if (console->in.fd >= 0)
		close(console->in.fd);
	loop_timer_fini(loop, &console->gather);
fail_kick:
	loop_event_fini(loop, &console->kick);
fail:
	pthread_mutex_destroy(&console->lock);
	free(console);
	return ret;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the guest said last is what its user most wants to read. */
static void flush_output(struct console *console)
{
	int64_t end = now_ms() + FLUSH_MS;
	int64_t left = FLUSH_MS;

	while (pending_output(console) && left > 0) {
		struct pollfd pollfd = { .fd = console->out.fd, .events = POLLOUT };

		if (!write_some(console))
			poll(&pollfd, 1, (int)left);
		left = end - now_ms();
	}
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	watch_output(console, false);
	if (console->out.fd >= 0)
		flush_output(console);
	if (console->in.fd >= 0)
		end_input(console);
	if (console->owns_fds && console->out.fd >= 0)
		close(console->out.fd);
	if (console->pty_peer >= 0)
		close(console->pty_peer);
	term_restore();
	loop_timer_fini(console->loop, &console->gather);
	loop_event_fini(console->loop, &console->kick);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
