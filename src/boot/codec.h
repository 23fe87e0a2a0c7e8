/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/boot: what a compression library does for unpack.c. One file a library, and no
 * other includes its header.
 *
 * Input is untrusted. A codec's memory is bounded whatever the input says: each states its bound.
 */
#ifndef ARCVISOR_BOOT_CODEC_H
#define ARCVISOR_BOOT_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* What a step may take and give; it moves the pointers on. */
struct codec_io {
	const uint8_t *in;
	size_t in_left;
	uint8_t *out;
	size_t out_left;
};

struct codec_ops {
	/* 0 or -ENOMEM. */
	int (*open)(void **state);

	/*
	 * Unpacks as much as there is input and room for. 1: a stream (gzip member, zstd frame)
	 * ended here, and if there is more input, the next step takes it for another; 0: it goes
	 * on; -EBADMSG: damaged, or another stream where there may be only one; -E2BIG: it wants
	 * more memory than the codec's bound; -ENOMEM.
	 */
	int (*step)(void *state, struct codec_io *io);

	void (*close)(void *state);
};

extern const struct codec_ops codec_gzip; /* inflate.c; 64 KiB */
extern const struct codec_ops codec_zstd; /* unzstd.c; a window of 128 MiB, touched as it fills */

#endif
