/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by zlib (RFC 1952). Its memory is one window of 32 KiB and tables of fixed size. */
#include "codec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* the largest window that gzip has; a gzip header, no other */

static int inflate_open(void **state)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	if (inflateInit2(stream, WINDOW_GZIP) != Z_OK) {
		free(stream);
		return -ENOMEM;
	}
	*state = stream;
	return 0;
}

static unsigned int inflate_bound(size_t len)
{
	return len < UINT_MAX ? (unsigned int)len : UINT_MAX;
}

/* Z_STREAM_END comes after the member's checksum and length were found right. */
static int inflate_result(z_stream *stream, int ret)
{
	switch (ret) {
	case Z_OK:
	case Z_BUF_ERROR: /* no progress without more input or room */
		return 0;
	case Z_STREAM_END:
		return inflateReset(stream) == Z_OK ? 1 : -EBADMSG;
	case Z_MEM_ERROR:
		return -ENOMEM;
	}
	return -EBADMSG;
}

static int inflate_step(void *state, struct codec_io *io)
{
	z_stream *stream = state;
	unsigned int in = inflate_bound(io->in_left), out = inflate_bound(io->out_left);
	int ret;

	stream->next_in = io->in;
	stream->avail_in = in;
	stream->next_out = io->out;
	stream->avail_out = out;
	ret = inflate(stream, Z_NO_FLUSH);
	io->in += in - stream->avail_in;
	io->in_left -= in - stream->avail_in;
	io->out += out - stream->avail_out;
	io->out_left -= out - stream->avail_out;
	return inflate_result(stream, ret);
}

static void inflate_close(void *state)
{
	inflateEnd(state);
	free(state);
}

const struct codec_ops codec_gzip = {
	.open = inflate_open,
	.step = inflate_step,
	.close = inflate_close,
};
