/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a codec from a file. */
#include "unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "codec.h"

#define INPUT_SIZE (64 * KIB)

struct unpack {
	const struct codec_ops *ops;
	void *state;
	int fd;
	uint64_t offset; /* of the file's next byte that was not read */
	uint64_t left;	 /* bytes from there to the part's end */
	bool between;	 /* a stream has ended, and no other begun */
	struct codec_io io;
	uint8_t input[INPUT_SIZE];
};

static const struct codec_ops *const codecs[] = {
	[IMAGE_PACKED_GZIP] = &codec_gzip,
	[IMAGE_PACKED_ZSTD] = &codec_zstd,
};

int unpack_start(int fd, const struct image_payload *payload, struct unpack **out)
{
	struct unpack *unpack = calloc(1, sizeof(*unpack));
	int ret;

	if (!unpack)
		return -ENOMEM;
	unpack->ops = codecs[payload->packing];
	unpack->fd = fd;
	unpack->offset = payload->offset;
	unpack->left = payload->size;
	ret = unpack->ops->open(&unpack->state);
	if (ret < 0) {
		free(unpack);
		return ret;
	}
	*out = unpack;
	return 0;
}

/* Reads more input where there is none left and the part has more. A shorter file has ended. */
static int unpack_fill(struct unpack *unpack)
{
	size_t want = unpack->left < INPUT_SIZE ? (size_t)unpack->left : INPUT_SIZE;
	ssize_t n;

	if (unpack->io.in_left || !want)
		return 0;
	do {
		n = pread(unpack->fd, unpack->input, want, (off_t)unpack->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	unpack->left = n ? unpack->left - (uint64_t)n : 0;
	unpack->offset += (uint64_t)n;
	unpack->io.in = unpack->input;
	unpack->io.in_left = (size_t)n;
	return 0;
}

/* One turn of the codec: 1 at the part's end, 0 to go on, or -errno. */
static int unpack_step(struct unpack *unpack)
{
	struct codec_io *io = &unpack->io;
	size_t out_before;
	int ret = unpack_fill(unpack);

	if (ret < 0)
		return ret;
	if (unpack->between && !io->in_left)
		return 1;
	out_before = io->out_left;
	ret = unpack->ops->step(unpack->state, io);
	if (ret < 0)
		return ret;
	unpack->between = ret;
	/* With nothing to read any more, what gives no output now never will. */
	if (!ret && !io->in_left && !unpack->left && io->out_left == out_before)
		return -ENODATA;
	return 0;
}

ssize_t unpack_read(struct unpack *unpack, void *buf, size_t len)
{
	int ret = 0;

	unpack->io.out = buf;
	unpack->io.out_left = len;
	while (ret == 0 && unpack->io.out_left)
		ret = unpack_step(unpack);
	return ret < 0 ? ret : (ssize_t)(len - unpack->io.out_left);
}

void unpack_end(struct unpack *unpack)
{
	if (!unpack)
		return;
	unpack->ops->close(unpack->state);
	free(unpack);
}
