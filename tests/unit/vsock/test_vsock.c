/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a socket device: its files, its lines, who is connected to whom. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vsock/vsock.h"

static char folder[32], path[64];
static struct vsock_config config = { .cid = 3, .path = path };
static struct vsock *vsock;

static void init(void)
{
	strcpy(folder, "/tmp/vsock_test.XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/v", folder);
}

static void fini(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(vsock, .init = init, .fini = fini);

static int client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

Test(vsock, makes_a_socket_and_removes_it)
{
	struct stat st;
	int fd, peer;

	cr_assert_eq(vsock_check(&config), 0);
	cr_assert_eq(vsock_open(&config, &vsock), 0);
	cr_expect_eq(vsock->cid, 3);
	cr_expect_eq(vsock->max_connections, VSOCK_MAX_CONNECTIONS);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode, S_IFSOCK | 0600);
	cr_expect_eq(vsock_accept(vsock), -EAGAIN);
	fd = client();
	peer = vsock_accept(vsock);
	cr_assert_geq(peer, 0);
	cr_expect(fcntl(peer, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(peer, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(peer);
	vsock_close(vsock);
	cr_expect_neq(access(path, F_OK), 0);
	vsock_close(NULL);
}

Test(vsock, refuses_what_is_somebodys)
{
	struct vsock *other;
	int fd;

	cr_assert_eq(vsock_open(&config, &vsock), 0);
	cr_expect_eq(vsock_check(&config), -EADDRINUSE);
	cr_expect_eq(vsock_open(&config, &other), -EADDRINUSE);
	vsock_close(vsock);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(vsock_check(&config), -EEXIST);
	cr_expect_eq(vsock_open(&config, &other), -EEXIST);
	cr_expect_eq(access(path, F_OK), 0, "it stays");
	strcat(folder, "/no");
	strcpy(path, folder);
	strcat(path, "/v");
	cr_expect_eq(vsock_check(&config), -ENOENT);
	*strrchr(folder, '/') = '\0';
}

Test(vsock, nothing_to_check_where_there_is_none)
{
	const struct vsock_config none = { 0 };

	cr_expect_eq(vsock_check(&none), 0);
}

Test(vsock, asks_for_descriptors)
{
	struct rlimit limit = { 100, VSOCK_MAX_CONNECTIONS + 1000 };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		cr_skip_test("no such limit can be set: %s", strerror(errno));
	cr_assert_eq(vsock_open(&config, &vsock), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_geq(limit.rlim_cur, VSOCK_MAX_CONNECTIONS + 100);
	vsock_close(vsock);
}

Test(vsock, reaches_ports_by_name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	cr_assert_eq(vsock_open(&config, &vsock), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s_4294967295", path);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_expect_eq(vsock_connect(vsock, 4294967295u), -ECONNREFUSED, "it does not listen");
	cr_assert_eq(listen(listener, 0), 0);
	fd = vsock_connect(vsock, 4294967295u);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect_eq(vsock_connect(vsock, 4294967294u), -ENOENT);
	/* One that is too slow is none: nobody waits. */
	while (fd >= 0)
		fd = vsock_connect(vsock, 4294967295u);
	cr_expect_eq(fd, -EAGAIN);
	close(listener);
	vsock_close(vsock);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int ends[2];

static int read_line(const char *line, uint32_t *port)
{
	cr_assert_eq(send(ends[0], line, strlen(line), 0), (ssize_t)strlen(line));
	return vsock_hello_read(ends[1], port);
}

static void init_pair(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

TestSuite(vsock_hello, .init = init_pair);

Test(vsock_hello, takes_its_line_and_no_more)
{
	uint32_t port = 1;
	char rest[8] = { 0 };

	cr_expect_eq(vsock_hello_read(ends[1], &port), 0);
	cr_expect_eq(read_line("CONNECT 0\nabc", &port), 1);
	cr_expect_eq(port, 0);
	cr_expect_eq(recv(ends[1], rest, sizeof(rest), 0), 3);
	cr_expect_str_eq(rest, "abc");
	cr_expect_eq(read_line("connect 4294967295\n", &port), 1);
	cr_expect_eq(port, UINT32_MAX);
	cr_expect_eq(recv(ends[1], rest, sizeof(rest), 0), -1);
}

Test(vsock_hello, waits_for_all_of_it)
{
	static const char line[] = "CONNECT 1234567890\n";
	char piece[2] = { 0 };
	uint32_t port;

	for (unsigned int i = 0; line[i]; i++) {
		piece[0] = line[i];
		cr_assert_eq(read_line(piece, &port), line[i] == '\n');
	}
	cr_expect_eq(port, 1234567890);
}

Test(vsock_hello, waits_for_no_more_than_it_can_be)
{
	uint32_t port;

	cr_expect_eq(read_line("0123456789012345678901234567890", &port), 0);
	cr_expect_eq(read_line("1", &port), -EPROTO);
}

Test(vsock_hello, one_that_goes_is_an_error)
{
	uint32_t port;

	close(ends[0]);
	cr_expect_eq(vsock_hello_read(ends[1], &port), -ECONNRESET);
	cr_expect_eq(vsock_hello_answer(ends[1], 1), -EPIPE);
}

Test(vsock_hello, answers)
{
	char line[32] = { 0 };

	cr_expect_eq(vsock_hello_answer(ends[0], UINT32_MAX), 0);
	cr_expect_eq(recv(ends[1], line, sizeof(line), 0), 14);
	cr_expect_str_eq(line, "OK 4294967295\n");
}
