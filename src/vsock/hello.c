/* SPDX-License-Identifier: Apache-2.0 */
/* The lines with which a program of the host and we begin a connection to the guest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "vsock/vsock.h"

#define VERB "CONNECT "

/* "CONNECT PORT": digits alone, of 32 bits. */
static int parse(const char *line, size_t len, uint32_t *port)
{
	size_t at = sizeof(VERB) - 1;
	uint64_t val = 0;

	if (len <= at || strncasecmp(line, VERB, at) != 0)
		return -EPROTO;
	for (; at < len; at++) {
		if (line[at] < '0' || line[at] > '9')
			return -EPROTO;
		val = val * 10 + (uint64_t)(line[at] - '0');
		if (val > UINT32_MAX)
			return -EPROTO;
	}
	*port = (uint32_t)val;
	return 0;
}

/* What follows the line stays in the socket: it is the guest's. */
int vsock_hello_read(int fd, uint32_t *port)
{
	char line[VSOCK_HELLO_MAX];
	ssize_t n = recv(fd, line, sizeof(line), MSG_PEEK | MSG_DONTWAIT);
	const char *end;
	size_t len;
	int ret;

	if (n <= 0)
		return n < 0 ? (errno == EAGAIN ? 0 : -errno) : -ECONNRESET;
	end = memchr(line, '\n', (size_t)n);
	if (!end)
		return n < (ssize_t)sizeof(line) ? 0 : -EPROTO;
	len = (size_t)(end - line);
	ret = parse(line, len, port);
	if (ret < 0)
		return ret;
	n = recv(fd, line, len + 1, MSG_DONTWAIT);
	return n == (ssize_t)len + 1 ? 1 : -EPROTO;
}

int vsock_hello_answer(int fd, uint32_t port)
{
	char line[VSOCK_HELLO_MAX];
	int len = snprintf(line, sizeof(line), "OK %u\n", port);
	ssize_t n = send(fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return n == len ? 0 : -EIO; /* nothing was sent before it, so there is room */
}
