/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

/* A guest that resets its device makes us connect again, as often as it likes. */
static struct log_limit limit = { .burst = 5 };

#define say(...) log_limited(&limit, LOG_LEVEL_ERROR, __VA_ARGS__)

#define PROGRAM	 "virtiofsd"
#define CHILD_FD 3 /* its number there: behind the standard ones */

extern char **environ;

/* ---- somebody who listens -------------------------------------------------------------------- */

static int connect_to(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, len) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int connect_path(const struct vhost_config *config)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(config->socket);
	int fd;

	if (len >= sizeof(addr.sun_path)) {
		say("%s: socket=%s: longer than %zu bytes; give a shorter path", config->id,
		    config->socket, sizeof(addr.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(addr.sun_path, config->socket, len + 1);
	fd = connect_to(&addr, sizeof(addr));
	if (fd < 0)
		say("%s: socket=%s: %s; start its back end first", config->id, config->socket,
		    strerror(-fd));
	return fd;
}

/* ---- virtiofsd ------------------------------------------------------------------------------- */

/*
 * It wants a socket that listens, and serves whoever is the first to connect: us, since nobody
 * knows the name before we have. The name is abstract, the kernel's choice.
 */
static int listen_somewhere(int *connected)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr.sun_family)) < 0 ||
	    listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		ret = -errno;
	else
		ret = connect_to(&addr, len);
	if (ret >= 0) {
		*connected = ret;
		return fd;
	}
	close(fd);
	return ret;
}

/* Debian's package does not have it in PATH. */
static const char *const programs[] = {
	PROGRAM,
	"/usr/libexec/" PROGRAM,
	"/usr/lib/qemu/" PROGRAM,
};

/* With @fd as CHILD_FD, none of our signals blocked, and none of the terminal's for it. */
static int spawn(const char *const *argv, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int ret = ENOENT;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
	for (size_t i = 0; ret == ENOENT && i < ARRAY_SIZE(programs); i++)
		ret = posix_spawnp(pid, programs[i], &actions, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* In namespaces of its own, with nothing but the folder, and a filter of system calls. */
static int start_virtiofsd(const struct vhost_config *config, int fd, pid_t *pid)
{
	const char *argv[] = {
		PROGRAM,      "--fd",	     "3",	  "--shared-dir",
		config->path, "--sandbox",   "namespace", "--seccomp",
		"kill",	      "--log-level", "error",	  config->read_only ? "--readonly" : NULL,
		NULL,
	};
	int ret = spawn(argv, fd, pid);

	if (ret == -ENOENT)
		say("%s: " PROGRAM " is not there; install it (apt install virtiofsd)", config->id);
	else if (ret < 0)
		say("%s: " PROGRAM " cannot be started: %s", config->id, strerror(-ret));
	return ret;
}

static int check_folder(const struct vhost_config *config)
{
	int fd = open(config->path, O_PATH | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0) {
		ret = -errno;
		say("%s: path=%s: %s; give a folder", config->id, config->path, strerror(-ret));
	} else {
		close(fd);
	}
	return ret;
}

static int start(struct vhost_end *end)
{
	const struct vhost_config *config = end->config;
	int listener, ret = check_folder(config);

	if (ret < 0)
		return ret;
	listener = listen_somewhere(&end->link.fd);
	if (listener < 0) {
		say("%s: no socket: %s", config->id, strerror(-listener));
		return listener;
	}
	ret = start_virtiofsd(config, listener, &end->pid);
	close(listener);
	if (ret < 0) {
		end->pid = -1;
		vhost_disconnect(end);
	}
	return ret;
}

/* ---- what it can do -------------------------------------------------------------------------- */

#define PROTOCOL_FEATURES                                                 \
	(BIT64(VHOST_PROTOCOL_F_MQ) | BIT64(VHOST_PROTOCOL_F_REPLY_ACK) | \
	 BIT64(VHOST_PROTOCOL_F_CONFIG))

#define VIRTIO_F_VERSION_1 BIT64(32)

static bool needs_config(const struct vhost_end *end)
{
	return end->config->kind == VHOST_BLK;
}

static unsigned int wanted_queues(const struct vhost_config *config)
{
	unsigned int queues = config->queues ? config->queues : 1;

	return config->kind == VHOST_FS ? queues + 1 : queues; /* one of high priority */
}

static int learn_protocol(struct vhost_end *end, uint64_t *protocol)
{
	int ret = vhost_get_protocol_features(&end->link, protocol);

	*protocol &= PROTOCOL_FEATURES;
	if (ret == 0)
		ret = vhost_set_protocol_features(&end->link, *protocol);
	end->most = 1;
	if (ret == 0 && (*protocol & BIT64(VHOST_PROTOCOL_F_MQ))) {
		uint64_t most = 0;

		ret = vhost_get_queue_num(&end->link, &most);
		end->most = most < UINT16_MAX ? (unsigned int)most : UINT16_MAX;
	}
	return ret;
}

static int learn(struct vhost_end *end)
{
	uint64_t protocol = 0;
	int ret = vhost_get_features(&end->link, &end->features);

	if (ret == 0 && !(end->features & BIT64(VHOST_F_PROTOCOL_FEATURES)))
		return -EOPNOTSUPP;
	if (ret == 0)
		ret = learn_protocol(end, &protocol);
	if (ret == 0)
		ret = vhost_set_owner(&end->link);
	if (ret == 0 && needs_config(end))
		ret = protocol & BIT64(VHOST_PROTOCOL_F_CONFIG)
			      ? vhost_get_config(&end->link, end->space, VHOST_BLK_SPACE)
			      : -EOPNOTSUPP;
	if (ret == 0 && !(end->features & VIRTIO_F_VERSION_1))
		ret = -EOPNOTSUPP;
	end->features &= ~BIT64(VHOST_F_PROTOCOL_FEATURES);
	return ret;
}

static const char *reason(int error)
{
	switch (error) {
	case -EPIPE:
		return "it has ended; see above what it says";
	case -ETIMEDOUT:
		return "it does not answer";
	case -EPROTO:
		return "it does not speak vhost-user";
	case -EREMOTEIO:
		return "it refuses";
	case -EOPNOTSUPP:
		return "it lacks what is needed: protocol features, configuration, or virtio 1";
	default:
		return strerror(-error);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

int vhost_connect(struct vhost_end *end)
{
	const struct vhost_config *config = end->config;
	int ret = config->socket ? connect_path(config) : start(end);

	if (ret < 0)
		return ret;
	if (config->socket)
		end->link.fd = ret;
	end->link.acks = false;
	ret = learn(end);
	if (ret < 0) {
		say("%s: its back end cannot be used: %s", config->id, reason(ret));
	} else if (wanted_queues(config) > end->most) {
		say("%s: queues=%u: its back end has %u; ask for fewer", config->id, config->queues,
		    end->most - (config->kind == VHOST_FS));
		ret = -EINVAL;
	}
	if (ret < 0)
		vhost_disconnect(end);
	return ret;
}

#define END_MS 3000 /* for one that was told to end by the end of its connection */

/* True: @pid has ended, or nobody can say. */
static bool wait_end(pid_t pid)
{
	struct pollfd fd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool ended;

	if (fd.fd < 0)
		return false;
	ended = poll(&fd, 1, END_MS) > 0;
	close(fd.fd);
	return ended;
}

void vhost_disconnect(struct vhost_end *end)
{
	if (end->link.fd >= 0)
		close(end->link.fd);
	end->link.fd = -1;
	if (end->pid < 0)
		return;
	if (!wait_end(end->pid))
		kill(end->pid, SIGKILL);
	while (waitpid(end->pid, NULL, 0) < 0 && errno == EINTR)
		;
	end->pid = -1;
}

int vhost_open(const struct vhost_config *config, struct vhost_end **out)
{
	struct vhost_end *end = calloc(1, sizeof(*end));
	int ret;

	if (!end)
		return -ENOMEM;
	end->config = config;
	end->link.fd = -1;
	end->pid = -1;
	ret = vhost_connect(end);
	if (ret < 0) {
		free(end);
		return ret;
	}
	*out = end;
	return 0;
}

void vhost_close(struct vhost_end *end)
{
	if (!end)
		return;
	vhost_disconnect(end);
	free(end);
}
