/*
 * The first process of the emulated host: sets the machine up, runs one command, relays its
 * standard streams, its status and the files asked for, and switches the machine off.
 *
 * tools/armhost/armhost puts what to do into the initramfs, each list's items ended by a zero byte:
 *   /armhost/argv     the command
 *   /armhost/env      its environment
 *   /armhost/modules  kernel modules, in order: file, parameters, file, parameters, ...
 *   /armhost/get      files to send back afterwards, relative to /work
 *   /armhost/tty      exists if the command wants a terminal
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "channel.h"

#define PORT_WAIT_MS 10000

struct command {
	pid_t pid;
	int in;	    /* its standard input; -1: closed */
	int out;    /* its standard output; the terminal if it has one; -1: ended */
	int err;    /* -1: ended, or a terminal */
	int status; /* as the shell's $?; -1: still running */
};

static struct channel channel = { .fd = -1 };

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "armhost init: %s\n", text);
	if (channel.fd >= 0) {
		channel.out_len = 0;
		channel_send(&channel, FRAME_FAILED, 0, text, strlen(text));
		channel_send(&channel, FRAME_BYE, 0, NULL, 0);
	}
	power_off();
	abort();
}

/* Reads a list of zero-ended items; never fails: a missing file is an empty list. */
static char **read_list(const char *path)
{
	char **items = calloc(1, sizeof(*items));
	size_t count = 0, cap = 0;
	char *item = NULL;
	FILE *f = fopen(path, "r");

	while (items && f && getdelim(&item, &cap, '\0', f) >= 0) {
		items = reallocarray(items, count + 2, sizeof(*items));
		if (!items)
			break;
		items[count++] = item;
		items[count] = NULL;
		item = NULL;
		cap = 0;
	}
	if (!items)
		fail("no memory for %s", path);
	if (f)
		fclose(f);
	free(item);
	return items;
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir, *options;
	} mounts[] = {
		{ "devtmpfs", "/dev", "mode=0755" },
		{ "proc", "/proc", NULL },
		{ "sysfs", "/sys", NULL },
		{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666" },
		{ "tmpfs", "/dev/shm", "mode=1777" },
		{ "tmpfs", "/run", "mode=0755" },
		{ "tmpfs", "/tmp", "mode=1777" },
		{ "debugfs", "/sys/kernel/debug", NULL },
		{ "cgroup2", "/sys/fs/cgroup", NULL },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, mounts[i].options))
			dprintf(STDERR_FILENO, "armhost init: cannot mount %s: %m\n",
				mounts[i].dir);
	}
	/* A tmpfs as root takes half of the memory at most: what was added counts too. */
	mount(NULL, "/", NULL, MS_REMOUNT, "size=90%");

	(void)!symlink("/proc/self/fd", "/dev/fd");
	(void)!symlink("fd/0", "/dev/stdin");
	(void)!symlink("fd/1", "/dev/stdout");
	(void)!symlink("fd/2", "/dev/stderr");
	(void)!symlink("/proc/mounts", "/etc/mtab");
}

static void use_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		dprintf(STDERR_FILENO, "armhost init: cannot bring lo up: %m\n");
	if (fd >= 0)
		close(fd);
}

static void load_modules(void)
{
	char **list = read_list("/armhost/modules");

	for (char **item = list; item[0] && item[1]; item += 2) {
		int fd = open(item[0], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, item[1], 0) && errno != EEXIST))
			fail("cannot load module %s (%s): %s", strrchr(item[0], '/') + 1, item[1],
			     strerror(errno));
		close(fd);
		/* The file has served; its memory is the command's. */
		unlink(item[0]);
	}
}

/* The port's device is /dev/vportNpM; which one, only its name in sysfs tells. */
static int open_port_once(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	char path[300], name[64];
	struct dirent *entry;
	int port = -1;

	while (dir && port < 0 && (entry = readdir(dir))) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			continue;
		name[n] = '\0';
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, CHANNEL_PORT))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return port;
}

/* Devices appear while the kernel still probes, and the port connects a moment after it is open. */
static void connect_port(void)
{
	struct pollfd pfd = { .events = POLLOUT };

	for (int ms = 0; ms < PORT_WAIT_MS; ms++, usleep(1000)) {
		if (channel.fd < 0)
			channel.fd = open_port_once();
		pfd.fd = channel.fd;
		if (channel.fd >= 0 && poll(&pfd, 1, 0) == 1 && !(pfd.revents & POLLHUP))
			return;
	}
	channel.fd = -1;
	fail("no virtio port %s", CHANNEL_PORT);
}

static void install_busybox(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/busybox", "busybox", "--install", "-s", "/bin", NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void set_winsize(int tty, const struct frame_winsize *size)
{
	struct winsize ws = { .ws_row = size->rows, .ws_col = size->cols };

	ioctl(tty, TIOCSWINSZ, &ws);
}

/* In the new process: never returns. */
static void __attribute__((noreturn))
exec_command(char **argv, char **env, int in, int out, int err, bool tty)
{
	sigset_t none;
	int err_no;

	setsid();
	if (tty)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	environ = env;
	execvp(argv[0], argv);
	err_no = errno;
	dprintf(STDERR_FILENO, "armhost: cannot run %s in the host: %s\n", argv[0],
		strerror(err_no));
	_exit(err_no == ENOENT ? 127 : 126);
}

static void start_command(struct command *cmd)
{
	char **argv = read_list("/armhost/argv"), **env = read_list("/armhost/env");
	bool tty = access("/armhost/tty", F_OK) == 0;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };

	*cmd = (struct command){ .in = -1, .out = -1, .err = -1, .status = -1 };
	if (!argv[0])
		fail("no command was given");
	if (tty) {
		int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

		if (master < 0 || grantpt(master) || unlockpt(master) ||
		    (slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
			fail("no terminal for the command: %m");
		in[0] = out[1] = err[1] = slave;
		in[1] = out[0] = master;
	} else if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
		fail("no pipes for the command: %m");
	}
	cmd->pid = fork();
	if (cmd->pid < 0)
		fail("no process for the command: %m");
	if (cmd->pid == 0)
		exec_command(argv, env, in[0], out[1], err[1], tty);

	close(in[0]);
	if (!tty) {
		close(out[1]);
		close(err[1]);
		cmd->err = err[0];
	}
	cmd->in = in[1];
	cmd->out = out[0];
	fcntl(cmd->in, F_SETFL, O_NONBLOCK);
	fcntl(cmd->out, F_SETFL, O_NONBLOCK);
	if (cmd->err >= 0)
		fcntl(cmd->err, F_SETFL, O_NONBLOCK);
}

static void close_input(struct command *cmd)
{
	/* A terminal's input and output are one descriptor. */
	if (cmd->in >= 0 && cmd->in != cmd->out)
		close(cmd->in);
	cmd->in = -1;
}

/* Gives the command what has come in for it. Returns false if it takes no more for now. */
static bool take_input(struct command *cmd, size_t *done)
{
	const struct frame *frame = channel_frame(&channel);
	const uint8_t *data = (const uint8_t *)(frame + 1);

	if (frame->type == FRAME_WINSIZE && frame->len == sizeof(struct frame_winsize))
		set_winsize(cmd->out, (const void *)data);
	if (frame->type != FRAME_STDIN)
		return true;
	if (frame->len == 0)
		close_input(cmd);
	while (cmd->in >= 0 && *done < frame->len) {
		ssize_t n = write(cmd->in, data + *done, frame->len - *done);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			close_input(cmd); /* it does not read any more */
		else
			*done += (size_t)n;
	}
	return true;
}

/* Moves output of the command to the channel. Returns false at its end. */
static bool move_output(int fd, enum frame_type type)
{
	ssize_t n = read(fd, channel_payload(&channel), FRAME_MAX);

	if (n > 0)
		channel_commit(&channel, type, 0, (size_t)n);
	/* A terminal which nobody has open reads as EIO; more may come while the command lives. */
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void reap(struct command *cmd, int sigfd)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)!read(sigfd, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == cmd->pid)
			cmd->status =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

/*
 * Relays until the command has ended and what it has written is on its way. What its orphans still
 * hold open does not count.
 */
static void relay(struct command *cmd, int sigfd, int beat)
{
	size_t taken = 0;     /* of the frame received */
	bool stalled = false; /* the command has not taken all of it */
	uint64_t beats;

	for (;;) {
		bool idle = channel_idle(&channel), over = cmd->status >= 0;
		struct pollfd fds[] = {
			{ .fd = sigfd, .events = POLLIN },
			{ .fd = idle ? cmd->out : -1, .events = POLLIN },
			{ .fd = idle ? cmd->err : -1, .events = POLLIN },
			{ .fd = channel.fd,
			  .events = (short)((idle ? 0 : POLLOUT) | (stalled ? 0 : POLLIN)) },
			{ .fd = stalled ? cmd->in : -1, .events = POLLOUT },
			{ .fd = idle && !over ? beat : -1, .events = POLLIN },
		};

		if (poll(fds, 6, over && idle ? 0 : -1) == 0)
			return;
		if (fds[0].revents)
			reap(cmd, sigfd);
		if (over && idle && !fds[1].revents && !fds[2].revents)
			return;
		if (fds[1].revents && !move_output(cmd->out, FRAME_STDOUT)) {
			if (cmd->in == cmd->out)
				cmd->in = -1;
			close(cmd->out);
			cmd->out = -1;
		}
		if (fds[2].revents && channel_idle(&channel) &&
		    !move_output(cmd->err, FRAME_STDERR)) {
			close(cmd->err);
			cmd->err = -1;
		}
		if (fds[5].revents && read(beat, &beats, sizeof(beats)) > 0 &&
		    channel_idle(&channel))
			channel_commit(&channel, FRAME_BEAT, 0, 0);
		if (!channel_idle(&channel) && channel_flush(&channel))
			power_off(); /* nobody listens */
		if (!stalled && fds[3].revents & (POLLIN | POLLHUP) && channel_fill(&channel) < 0)
			power_off();
		if (channel_frame(&channel)) {
			stalled = !take_input(cmd, &taken);
			if (!stalled) {
				taken = 0;
				channel_drop(&channel);
			}
		}
	}
}

/* Returns a timer, or -1 where nobody wants to hear that we live. */
static int start_beat(void)
{
	const struct itimerspec each = { { BEAT_MS / 1000, 0 }, { BEAT_MS / 1000, 0 } };
	int fd;

	if (access("/armhost/beat", F_OK))
		return -1;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || timerfd_settime(fd, 0, &each, NULL))
		fail("no timer: %m");
	return fd;
}

static void send_stream(int fd)
{
	ssize_t n;

	while ((n = read(fd, channel_payload(&channel), FRAME_MAX)) > 0)
		channel_send(&channel, FRAME_DATA, 0, channel_payload(&channel), (size_t)n);
}

static void send_directory(const char *path)
{
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		fail("no pipe for --get: %m");
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/busybox", "tar", "-c", "-f", "-", "-C", path, ".", NULL);
		_exit(127);
	}
	close(out[1]);
	send_stream(out[0]);
	close(out[0]);
	waitpid(pid, NULL, 0);
}

static void send_files(void)
{
	char **list = read_list("/armhost/get");

	for (char **path = list; *path; path++) {
		struct frame_file file = { 0 };
		struct stat st;
		int fd = open(*path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 && !fstat(fd, &st))
			file.mode = st.st_mode;
		channel_send(&channel, FRAME_FILE, 0, &file, sizeof(file));
		if (S_ISDIR(file.mode))
			send_directory(*path);
		else if (file.mode)
			send_stream(fd);
		if (fd >= 0)
			close(fd);
	}
}

int main(void)
{
	struct command cmd;
	sigset_t child;
	int sigfd;

	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	umask(022);
	mount_all();
	use_console();
	sethostname("armhost", 7);
	loopback_up();
	load_modules();
	install_busybox();
	mkdir("/work", 0755);
	if (chdir("/work"))
		fail("no /work: %m");

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigfd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		fail("no signalfd: %m");

	connect_port();
	channel_send(&channel, FRAME_HELLO, 0, NULL, 0);
	start_command(&cmd);
	relay(&cmd, sigfd, start_beat());
	channel_send(&channel, FRAME_EXIT, (uint8_t)cmd.status, NULL, 0);
	sigprocmask(SIG_UNBLOCK, &child, NULL);
	send_files();
	sync();
	channel_send(&channel, FRAME_BYE, 0, NULL, 0);
	/* relay ends the machine; this is for when nobody does. */
	sleep(10);
	power_off();
}
