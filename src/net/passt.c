/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networking without privileges: a process of passt(1), Debian's package of that name, on the other
 * side of a pair of sockets. It makes the host's connections out of the guest's packets.
 *
 * It is started so that it goes into the background by itself: it does once it is ready, so the
 * status says whether it is. It ends when its socket closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net_internal.h"

#define PROGRAM	 "passt"
#define CHILD_FD 3 /* its number there: behind the standard ones */
#define MAX_ARGS (12 + 2 * NET_MAX_FORWARDS)

extern char **environ;

static int set_offloads(struct net *net, uint32_t offloads)
{
	(void)net;
	(void)offloads;
	return 0;
}

static int set_queues(struct net *net, unsigned int queues)
{
	(void)net;
	(void)queues;
	return 0;
}

static bool is_gone(struct net *net, unsigned int queue)
{
	char byte;
	ssize_t n = recv(net->fds[queue], &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void close_passt(struct net *net)
{
	(void)net; /* it sees the end of its socket */
}

static const struct net_ops passt_ops = {
	.set_offloads = set_offloads,
	.set_queues = set_queues,
	.is_gone = is_gone,
	.close = close_passt,
};

/* ---- starting it ----------------------------------------------------------------------------- */

struct command {
	const char *argv[MAX_ARGS];
	unsigned int nr;
	char mtu[8], fd[4];
};

static void add(struct command *command, const char *word)
{
	command->argv[command->nr++] = word;
}

static void fill(const struct net_config *config, struct command *command)
{
	snprintf(command->fd, sizeof(command->fd), "%d", CHILD_FD);
	add(command, PROGRAM);
	add(command, "--quiet");
	add(command, "--fd");
	add(command, command->fd);
	if (config->mtu) {
		snprintf(command->mtu, sizeof(command->mtu), "%u", config->mtu % 100000);
		add(command, "--mtu");
		add(command, command->mtu);
	}
	for (unsigned int i = 0; i < config->nr_forwards; i++) {
		add(command, config->forwards[i].udp ? "--udp-ports" : "--tcp-ports");
		add(command, config->forwards[i].ports);
	}
	add(command, NULL);
}

/* With @fd as CHILD_FD, and none of our signals blocked. */
static int spawn(const struct command *command, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int ret;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
	ret = posix_spawnp(pid, PROGRAM, &actions, &attr, (char *const *)command->argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int start(const struct net_config *config, int fd)
{
	struct command command = { .nr = 0 };
	pid_t pid;
	int ret;

	fill(config, &command);
	ret = spawn(&command, fd, &pid);
	if (ret == -ENOENT) {
		log_error("--net user: " PROGRAM " is not there; install it (apt install passt)");
		return ret;
	}
	if (ret == 0)
		ret = wait_for(pid);
	if (ret == -ECHILD)
		log_error("--net user: " PROGRAM " does not start; see above what it says");
	else if (ret < 0)
		log_error("--net user: " PROGRAM " cannot be started: %s", strerror(-ret));
	return ret;
}

int passt_open(const struct net_config *config, struct net *net)
{
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		ret = -errno;
		log_error("--net user: no pair of sockets: %s", strerror(-ret));
		return ret;
	}
	net->ops = &passt_ops;
	net->kind = PROGRAM;
	net->framed = true;
	net->fds[0] = ends[0];
	ret = start(config, ends[1]);
	close(ends[1]);
	if (ret == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		ret = -errno;
	return ret;
}
