/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd by libzstd (RFC 8878), one frame of today's format: libzstd may also know formats from
 * before that, whose decoders nobody tests any more.
 */
#include "codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* The kernel's own build packs with `zstd -22 --ultra` from a pipe, whose window is 128 MiB. */
#define WINDOW_LOG_MAX 27

struct unzstd {
	ZSTD_DCtx *context;
	bool begun, ended; /* the frame */
};

static int unzstd_open(void **state)
{
	struct unzstd *unzstd = calloc(1, sizeof(*unzstd));

	if (!unzstd)
		return -ENOMEM;
	unzstd->context = ZSTD_createDCtx();
	if (!unzstd->context || ZSTD_isError(ZSTD_DCtx_setParameter(
					unzstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		ZSTD_freeDCtx(unzstd->context);
		free(unzstd);
		return -ENOMEM;
	}
	*state = unzstd;
	return 0;
}

/* The first step has the start of the frame, with all that the file has of it. */
static bool unzstd_begin(struct unzstd *unzstd, const struct codec_io *io)
{
	if (unzstd->begun)
		return !unzstd->ended;
	unzstd->begun = true;
	return io->in_left >= 4 && !memcmp(io->in, "\x28\xb5\x2f\xfd", 4);
}

static int unzstd_error(size_t ret)
{
	switch (ZSTD_getErrorCode(ret)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return -E2BIG;
	default:
		return -EBADMSG;
	}
}

static int unzstd_step(void *state, struct codec_io *io)
{
	struct unzstd *unzstd = state;
	ZSTD_inBuffer in = { .src = io->in, .size = io->in_left };
	ZSTD_outBuffer out = { .dst = io->out, .size = io->out_left };
	size_t ret;

	if (!unzstd_begin(unzstd, io))
		return -EBADMSG;
	ret = ZSTD_decompressStream(unzstd->context, &out, &in);
	io->in += in.pos;
	io->in_left -= in.pos;
	io->out += out.pos;
	io->out_left -= out.pos;
	if (ZSTD_isError(ret))
		return unzstd_error(ret);
	unzstd->ended = ret == 0;
	return unzstd->ended;
}

static void unzstd_close(void *state)
{
	struct unzstd *unzstd = state;

	ZSTD_freeDCtx(unzstd->context);
	free(unzstd);
}

const struct codec_ops codec_zstd = {
	.open = unzstd_open,
	.step = unzstd_step,
	.close = unzstd_close,
};
