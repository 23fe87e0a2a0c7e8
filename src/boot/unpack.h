/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/boot: a packed part of a file, unpacked as a stream. What it holds in memory is
 * one buffer of input and the codec's bound (codec.h), whatever the file says.
 */
#ifndef ARCVISOR_BOOT_UNPACK_H
#define ARCVISOR_BOOT_UNPACK_H

#include <stddef.h>
#include <sys/types.h>

#include "boot/image.h"

struct unpack;

/* Begins at the part's start. @fd stays the caller's and open until unpack_end(). 0 or -ENOMEM. */
int unpack_start(int fd, const struct image_payload *payload, struct unpack **out);

/*
 * The next @len bytes, fewer only where the part ends: how many, or -errno and no further call:
 * -ENODATA (the part ends before its data does), -EBADMSG (damaged, or followed by something
 * else), -E2BIG (a window over the codec's bound), -ENOMEM, or what pread(2) said.
 *
 * Checksums are checked where the data ends, which is to say by the call that returns fewer.
 */
ssize_t unpack_read(struct unpack *unpack, void *buf, size_t len);

void unpack_end(struct unpack *unpack); /* NULL is fine */

#endif
