/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as people write them. */
#ifndef ARCVISOR_BASE_SIZE_H
#define ARCVISOR_BASE_SIZE_H

#include <stdint.h>

/*
 * A size: digits with an optional suffix K, M, G or T (binary, either case; also KiB, MiB, ...);
 * none means MiB, as in QEMU and kvmtool. 0, or -EINVAL (not a size), -ERANGE (over 64 bits);
 * *@bytes is then left alone.
 */
int size_parse(const char *text, uint64_t *bytes);

#endif
