/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/boot: kernels that are packed in their files. */
#ifndef ARCVISOR_BOOT_PACKED_H
#define ARCVISOR_BOOT_PACKED_H

#include "boot/load.h"

/*
 * Classifies what files->payload holds by unpacking its start, into files->kernel; *@size is how
 * many bytes it unpacks to, as far as known: the Image's own image_size where its header has one,
 * else counted. 0, or -errno after a line in the log.
 */
int packed_probe(struct boot_files *files, uint64_t *size);

/* Unpacks the kernel into guest memory. Errors as boot_load(). */
int packed_load(const struct boot_files *files, const struct boot_map *map, const struct gmem *mem);

#endif
