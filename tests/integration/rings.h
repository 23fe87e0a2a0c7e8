/* SPDX-License-Identifier: Apache-2.0 */
/* The rings of a Linux guest's hypercall disks, found in its memory from outside. */
#ifndef ARCVISOR_TESTS_RINGS_H
#define ARCVISOR_TESTS_RINGS_H

#include <sys/types.h>

/*
 * Writes nonsense over cq_head of each ring of disk @dev in the guest of the arcvisor with process
 * @pid, as a guest out of its mind might: how many. The guest's driver is tools/guest/hvc_blk,
 * which lays a queue's configuration behind its header, and was loaded once since the machine
 * began.
 */
unsigned int rings_break(pid_t pid, unsigned int dev);

#endif
