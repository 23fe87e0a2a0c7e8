/* SPDX-License-Identifier: Apache-2.0 */
/* A disk of the host's with sectors that cannot be read or written, as disks have them that fail.
 */
#ifndef ARCVISOR_TESTS_BAD_DISK_H
#define ARCVISOR_TESTS_BAD_DISK_H

#include <stdbool.h>

#include "shell.h"

/*
 * Makes the block device /dev/@name of 8 MiB, of which blocks 10 to 19 of 4 KiB fail: a null_blk.
 * False where the host's kernel has none to be made, or this process may not. bad_disk_remove()
 * takes it away again.
 */
bool bad_disk_make(const char *name);
void bad_disk_remove(const char *name);

/* In the guest at @machine, whose disk /dev/@device it is: those blocks fail, the others work. */
void bad_disk_check(struct machine *machine, const char *device);

#endif
