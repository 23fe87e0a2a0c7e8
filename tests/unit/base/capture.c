/* SPDX-License-Identifier: Apache-2.0 */
/* A socket in the place of standard error. */
#include "capture.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

static int reader = -1;

void capture_start(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
	close(pair[1]);
	reader = pair[0];
}

int capture_next(char *buf, size_t size)
{
	ssize_t n = recv(reader, buf, size - 1, MSG_DONTWAIT);

	if (n < 0)
		return -1;
	buf[n] = '\0';
	return (int)n;
}

void capture_expect(const char *line)
{
	char buf[1024];

	cr_assert_geq(capture_next(buf, sizeof(buf)), 0, "nothing was written");
	cr_assert_str_eq(buf, line);
}

void capture_expect_end(void)
{
	char buf[1024];

	cr_assert_eq(capture_next(buf, sizeof(buf)), -1, "was written: %s", buf);
}
