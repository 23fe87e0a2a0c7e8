/* SPDX-License-Identifier: Apache-2.0 */
/* How passt is started, with a script in its place. The real one is met in tests/integration. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/net.h"

static char folder[] = "/tmp/passt.XXXXXX";
static struct net_config config;
static struct net *net;

/* A passt which is @script, and the only program there is but the shell's own. */
static void install(const char *script)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/passt", folder);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fchmod(fileno(file), 0700);
	fclose(file);
}

static void init(void)
{
	cr_assert_not_null(mkdtemp(folder));
	setenv("PATH", folder, 1);
	config = (struct net_config){ .kind = NET_USER, .id = "net0", .fd = -1 };
	net = NULL;
}

static void fini(void)
{
	char path[64];

	net_close(net);
	snprintf(path, sizeof(path), "%s/passt", folder);
	unlink(path);
	rmdir(folder);
}

TestSuite(passt, .init = init, .fini = fini);

static void refused(int error, const char *line)
{
	int errors = memfd_create("errors", MFD_CLOEXEC);
	char text[1024] = { 0 };

	cr_assert(dup2(errors, STDERR_FILENO) >= 0);
	cr_expect_eq(net_open(&config, &net), error);
	net = NULL;
	cr_assert(pread(errors, text, sizeof(text) - 1, 0) > 0);
	cr_expect(strstr(text, line), "no \"%s\" in: %s", line, text);
}

/* What it says on its socket. */
static void expect_said(const char *want)
{
	char said[256] = { 0 };
	size_t len = 0;

	while (len < strlen(want)) {
		ssize_t n = recv(net->fds[0], said + len, sizeof(said) - 1 - len, 0);

		cr_assert(n > 0 || (n < 0 && errno == EAGAIN), "after \"%s\"", said);
		len += n > 0 ? (size_t)n : 0;
	}
	cr_expect_str_eq(said, want);
}

Test(passt, has_its_end_as_a_descriptor)
{
	install("echo \"$@\" >&3");
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect(net->framed);
	cr_expect_eq(net->offloads, 0);
	cr_expect_eq(net->nr_queues, 1);
	expect_said("--quiet --fd 3\n");
}

Test(passt, is_told_of_ports_and_mtu)
{
	config.mtu = 65520;
	config.nr_forwards = 2;
	config.forwards[0] = (struct net_forward){ false, "8080:80" };
	config.forwards[1] = (struct net_forward){ true, "53" };
	install("echo \"$@\" >&3");
	cr_assert_eq(net_open(&config, &net), 0);
	expect_said("--quiet --fd 3 --mtu 65520 --tcp-ports 8080:80 --udp-ports 53\n");
}

Test(passt, has_nothing_else_of_ours)
{
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[64];

	cr_assert_geq(other, 0);
	snprintf(script, sizeof(script), "test ! -e /proc/$$/fd/%d", other);
	install(script);
	cr_assert_eq(net_open(&config, &net), 0);
	close(other);
}

Test(passt, gone)
{
	install("exit 0");
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect(net_check_gone(net, 0), "nobody has the other end");
}

Test(passt, not_gone_while_somebody_has_it)
{
	install("read line <&3 && echo got >&3 &");
	cr_assert_eq(net_open(&config, &net), 0);
	cr_expect_not(net_check_gone(net, 0));
	cr_assert_eq(send(net->fds[0], "x\n", 2, MSG_NOSIGNAL), 2);
	expect_said("got\n");
	while (!net_check_gone(net, 0))
		usleep(1000);
}

Test(passt, refused_where_it_is_not_there)
{
	refused(-ENOENT, "--net user: passt is not there; install it (apt install passt)");
}

Test(passt, refused_where_it_refuses)
{
	install("echo 'passt: no such port' >&2; exit 1");
	refused(-ECHILD, "passt: no such port\narcvisor: --net user: passt does not start");
}

Test(passt, refused_where_it_dies)
{
	install("kill -9 $$");
	refused(-ECHILD, "--net user: passt does not start");
}
