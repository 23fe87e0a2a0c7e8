/*
 * Runs the emulator, relays the command's standard streams, brings its files back and ends with its
 * status. The emulator never outlives this process, not even when it is killed.
 *
 *   relay [--timeout S] [--silence S] [--log FILE] [--tty] [--get DEST]... -- EMULATOR ARG...
 *
 * The emulator finds its end of the channel as descriptor 3, and writes the machine's console to
 * /dev/fd/4.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "channel.h"
#include "monitor.h"

#define CHANNEL_FD 3
#define CONSOLE_FD 4
#define MONITOR_FD 5

#define EXIT_STOPPED 123
#define EXIT_TIMEOUT 124
#define EXIT_HOST    125

#define BOOT_LIMIT_MS (180 * 1000)
#define STOP_LIMIT_MS (5 * 1000)
#define TAIL_LINES    25

/* What a pipe that polls writable takes without blocking. */
#define WRITE_MAX 4096

static struct {
	struct channel channel;
	pid_t emulator;
	int console; /* the log of the machine's console */
	int monitor; /* the emulator's */
	int sigfd;
	bool tty; /* the command has a terminal */
	bool raw; /* ours is in raw mode: @saved is how it was */
	struct termios saved;
	int64_t limit_ms;   /* --timeout; 0: none */
	int64_t silence_ms; /* --silence; 0: none */
	int64_t heard_ms;   /* when the host last said something, or we did not listen */

	bool up; /* the host said hello */
	bool input_over;
	size_t taken; /* bytes of the received frame that are written out */
	int status;   /* the command's; -1: it runs */
	bool failed;  /* the host could not do all that it was asked to */

	char **dests; /* of the --get files not begun yet */
	int file;     /* the one being received: a file, or tar's input; -1: none */
	pid_t tar;
} r = { .channel.fd = -1, .console = -1, .status = -1, .file = -1 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	va_list ap;

	fputs("armhost: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(r.raw ? "\r\n" : "\n", stderr);
}

static void restore_terminal(void)
{
	if (r.raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &r.saved);
	r.raw = false;
}

static void raw_terminal(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &r.saved))
		return;
	raw = r.saved;
	cfmakeraw(&raw);
	r.raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* The emulator stops at once on SIGTERM and flushes its disks; one that hangs is killed. */
static void stop_emulator(void)
{
	int64_t end = now_ms() + STOP_LIMIT_MS;

	if (r.emulator <= 0)
		return;
	kill(r.emulator, SIGTERM);
	while (waitpid(r.emulator, NULL, WNOHANG) == 0) {
		if (now_ms() > end)
			kill(r.emulator, SIGKILL);
		usleep(2000);
	}
	r.emulator = 0;
}

static void __attribute__((noreturn)) finish(int status)
{
	stop_emulator();
	restore_terminal();
	exit(status);
}

/* The end of the console: the reason is there, if anywhere. */
static void show_console(void)
{
	char text[16384];
	off_t size = lseek(r.console, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0;
	ssize_t n = pread(r.console, text, sizeof(text), from);
	ssize_t start = n;

	for (int lines = 0; start > 0; start--)
		if (text[start - 1] == '\n' && start < n && ++lines == TAIL_LINES)
			break;
	if (n <= 0) {
		say("its console is empty");
		return;
	}
	say("the end of its console:");
	(void)!write(STDERR_FILENO, text + start, (size_t)(n - start));
	if (text[n - 1] != '\n')
		(void)!write(STDERR_FILENO, "\n", 1);
}

static void __attribute__((noreturn)) host_ended(const char *why, int status)
{
	stop_emulator();
	restore_terminal();
	say("%s", why);
	show_console();
	exit(status);
}

static void __attribute__((noreturn)) host_failed(const char *why)
{
	host_ended(why, EXIT_HOST);
}

static void __attribute__((noreturn)) host_stopped(void)
{
	restore_terminal();
	say("the host stopped: no sign of life for %lld s; its processors, three times:",
	    (long long)r.silence_ms / 1000);
	monitor_show(r.monitor);
	host_ended("the host stopped", EXIT_STOPPED);
}

static void __attribute__((noreturn)) die_by(int sig)
{
	sigset_t set;

	stop_emulator();
	restore_terminal();
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + sig);
}

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: relay [--timeout S] [--silence S] [--log FILE] [--tty] [--get DEST]... -- "
	      "EMULATOR ARG...\n",
	      stderr);
	exit(2);
}

static void open_console_log(const char *path)
{
	r.console = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666)
			 : memfd_create("armhost-console", MFD_CLOEXEC);
	if (r.console < 0) {
		say("cannot write the console's log%s%s: %s", path ? " " : "", path ? path : "",
		    strerror(errno));
		exit(EXIT_HOST);
	}
}

static void __attribute__((noreturn))
exec_emulator(char **argv, int channel, int monitor, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Its own session: the terminal's signals are ours to handle. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_HOST);
	/* They may hold each other's number: first up, out of the way. */
	channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
	monitor = fcntl(monitor, F_DUPFD_CLOEXEC, 10);
	r.console = fcntl(r.console, F_DUPFD_CLOEXEC, 10);
	dup2(null, STDIN_FILENO);
	dup2(r.console, STDOUT_FILENO);
	dup2(r.console, STDERR_FILENO);
	dup2(channel, CHANNEL_FD);
	dup2(r.console, CONSOLE_FD);
	dup2(monitor, MONITOR_FD);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %m\n", argv[0]);
	_exit(EXIT_HOST);
}

static void start_emulator(char **argv)
{
	pid_t parent = getpid();
	int pair[2], monitor[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor) ||
	    fcntl(pair[0], F_SETFL, O_NONBLOCK) || (r.emulator = fork()) < 0) {
		say("cannot start the emulator: %s", strerror(errno));
		exit(EXIT_HOST);
	}
	if (r.emulator == 0)
		exec_emulator(argv, pair[1], monitor[1], parent);
	close(pair[1]);
	close(monitor[1]);
	r.monitor = monitor[0];
	r.channel.fd = pair[0];
}

static void catch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGWINCH };
	struct sigaction old;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* An ignored one stays ignored (nohup, jobs of scripts); blocked, it would come. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	r.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --get: one file at a time. */

static void end_file(void)
{
	int status = 0;

	if (r.file >= 0)
		close(r.file);
	r.file = -1;
	if (r.tar > 0 && (waitpid(r.tar, &status, 0) < 0 || status)) {
		say("--get: tar failed");
		r.failed = true;
	}
	r.tar = 0;
}

static int begin_directory(const char *dest)
{
	int in[2];

	if ((mkdir(dest, 0777) && errno != EEXIST) || pipe2(in, O_CLOEXEC))
		return -1;
	r.tar = fork();
	if (r.tar == 0) {
		dup2(in[0], STDIN_FILENO);
		execlp("tar", "tar", "-x", "-f", "-", "--no-same-owner", "-C", dest, NULL);
		_exit(127);
	}
	close(in[0]);
	return in[1];
}

static void begin_file(const struct frame_file *file)
{
	const char *dest = *r.dests;

	end_file();
	if (!dest)
		return;
	r.dests++;
	if (!file->mode) {
		say("--get: nothing to bring back as %s: there is no such file in the host", dest);
		r.failed = true;
		return;
	}
	r.file = S_ISDIR(file->mode)
			 ? begin_directory(dest)
			 : open(dest, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file->mode & 0777);
	if (r.file < 0) {
		say("--get: cannot write %s: %s", dest, strerror(errno));
		r.failed = true;
	}
}

static void write_file(const uint8_t *data, size_t len)
{
	while (r.file >= 0 && len) {
		ssize_t n = write(r.file, data, len);

		if (n < 0) {
			say("--get: %s", strerror(errno));
			r.failed = true;
			end_file();
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

/* The command's output, a piece at a time. Returns true when the frame is all written. */
static bool write_output(const struct frame *frame)
{
	int fd = frame->type == FRAME_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
	size_t len = frame->len - r.taken;
	ssize_t n;

	n = write(fd, (const uint8_t *)(frame + 1) + r.taken, len < WRITE_MAX ? len : WRITE_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0 && fd == STDOUT_FILENO && errno == EPIPE)
		die_by(SIGPIPE); /* as the command itself would */
	if (n < 0 && fd == STDOUT_FILENO) {
		say("cannot write the command's output: %s", strerror(errno));
		finish(EXIT_HOST);
	}
	r.taken = n < 0 ? frame->len : r.taken + (size_t)n;
	return r.taken == frame->len;
}

/* Returns true when the frame is done with. */
static bool handle_frame(const struct frame *frame)
{
	const uint8_t *data = (const uint8_t *)(frame + 1);

	switch (frame->type) {
	case FRAME_HELLO:
		r.up = true;
		return true;
	case FRAME_BEAT:
		return true;
	case FRAME_STDOUT:
	case FRAME_STDERR:
		return write_output(frame);
	case FRAME_EXIT:
		r.status = frame->arg;
		return true;
	case FRAME_FILE:
		begin_file((const void *)data);
		return true;
	case FRAME_DATA:
		write_file(data, frame->len);
		return true;
	case FRAME_FAILED:
		say("the host failed: %.*s", (int)frame->len, (const char *)data);
		finish(EXIT_HOST);
	case FRAME_BYE:
		end_file();
		finish(r.failed && r.status == 0 ? EXIT_HOST : r.status);
	default:
		host_failed("the host speaks another protocol: remove build/armhost and try again");
	}
}

static void send_winsize(void)
{
	struct winsize ws;
	struct frame_winsize size;

	if (!r.tty || !channel_idle(&r.channel) || ioctl(STDIN_FILENO, TIOCGWINSZ, &ws))
		return;
	size = (struct frame_winsize){ .rows = ws.ws_row, .cols = ws.ws_col };
	memcpy(channel_payload(&r.channel), &size, sizeof(size));
	channel_commit(&r.channel, FRAME_WINSIZE, 0, sizeof(size));
}

static void read_input(void)
{
	ssize_t n = read(STDIN_FILENO, channel_payload(&r.channel), FRAME_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		n = 0;
	r.input_over = n == 0;
	channel_commit(&r.channel, FRAME_STDIN, 0, (size_t)n);
}

static void emulator_ended(void)
{
	r.emulator = 0;
	host_failed(!r.up ? "the host did not boot" : "the host died before the command ended");
}

static void handle_signals(void)
{
	struct signalfd_siginfo info;

	while (read(r.sigfd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			/* The last of its words may still be in the channel: they end the loop. */
			break;
		case SIGWINCH:
			send_winsize();
			break;
		default:
			die_by((int)info.ssi_signo);
		}
	}
}

/* A host that is up and runs the command beats. */
static bool host_beats(void)
{
	return r.silence_ms && r.up && r.status < 0;
}

/* What poll may wait: up to the nearest limit. */
static int wait_ms(int64_t start)
{
	int64_t now = now_ms(), passed = now - start, wait = INT_MAX;

	if (r.limit_ms && passed >= r.limit_ms && r.up) {
		stop_emulator();
		restore_terminal();
		say("timed out after %lld s", (long long)r.limit_ms / 1000);
		exit(EXIT_TIMEOUT);
	}
	if (!r.up && (passed >= BOOT_LIMIT_MS || (r.limit_ms && passed >= r.limit_ms)))
		host_failed("the host did not boot in time");
	if (r.limit_ms)
		wait = r.limit_ms - passed;
	if (!r.up && BOOT_LIMIT_MS - passed < wait)
		wait = BOOT_LIMIT_MS - passed;
	if (host_beats() && r.heard_ms + r.silence_ms - now < wait)
		wait = r.heard_ms + r.silence_ms - now;
	return wait == INT_MAX ? -1 : wait < 0 ? 0 : (int)wait + 1;
}

/* Nothing came while poll waited: that is too long now? What we kept waiting ourselves is not. */
static void check_silence(bool listening)
{
	if (!listening || !host_beats())
		r.heard_ms = now_ms();
	else if (now_ms() - r.heard_ms >= r.silence_ms)
		host_stopped();
}

static void run(void)
{
	struct channel *ch = &r.channel;
	int64_t start = now_ms();

	for (;;) {
		const struct frame *frame = channel_frame(ch);
		bool out = frame && (frame->type == FRAME_STDOUT || frame->type == FRAME_STDERR);
		bool in = r.up && !r.input_over && channel_idle(ch);
		struct pollfd fds[] = {
			{ .fd = r.sigfd, .events = POLLIN },
			{ .fd = in ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = ch->fd,
			  .events = (short)((channel_idle(ch) ? 0 : POLLOUT) |
					    (frame ? 0 : POLLIN)) },
			{ .fd = !out			      ? -1
				: frame->type == FRAME_STDOUT ? STDOUT_FILENO
							      : STDERR_FILENO,
			  .events = POLLOUT },
		};

		if (poll(fds, 4, wait_ms(start)) <= 0) {
			check_silence(!frame);
			continue;
		}
		if (frame || fds[2].revents)
			r.heard_ms = now_ms();
		if (fds[0].revents)
			handle_signals();
		if (fds[1].revents && channel_idle(ch))
			read_input();
		/* An error in sending shows as the end of receiving. */
		if (!channel_idle(ch))
			channel_flush(ch);
		if (!frame && fds[2].revents & (POLLIN | POLLHUP | POLLERR)) {
			if (channel_fill(ch) < 0)
				emulator_ended();
			frame = channel_frame(ch);
			out = frame && (frame->type == FRAME_STDOUT || frame->type == FRAME_STDERR);
			if (out)
				continue; /* poll tells whether it can be written */
		}
		if (frame && (!out || fds[3].revents) && handle_frame(frame)) {
			bool hello = frame->type == FRAME_HELLO;

			r.taken = 0;
			channel_drop(ch);
			if (hello)
				send_winsize();
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "silence", required_argument, NULL, 's' },
		{ "log", required_argument, NULL, 'l' },
		{ "get", required_argument, NULL, 'g' },
		{ "tty", no_argument, NULL, 'y' },
		{ NULL, 0, NULL, 0 },
	};
	const char *log = NULL;
	size_t gets = 0;
	int opt;

	/* Descriptors 0 to 2 must not become something of ours. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
	r.dests = calloc((size_t)argc, sizeof(*r.dests));
	if (!r.dests)
		return EXIT_HOST;
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			r.limit_ms = strtoll(optarg, NULL, 10) * 1000;
			break;
		case 's':
			r.silence_ms = strtoll(optarg, NULL, 10) * 1000;
			break;
		case 'l':
			log = optarg;
			break;
		case 'g':
			r.dests[gets++] = optarg;
			break;
		case 'y':
			r.tty = true;
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	open_console_log(log);
	catch_signals();
	start_emulator(argv + optind);
	if (r.tty)
		raw_terminal();
	run();
}
