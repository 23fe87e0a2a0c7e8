/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the host at the other end of a guest's devices. */
#ifndef ARCVISOR_TESTS_PEERS_H
#define ARCVISOR_TESTS_PEERS_H

#include <sys/types.h>

/*
 * virtiofsd and qemu-storage-daemon, where arcvisor finds them too; the test is skipped where they
 * are not, or do not run. Leaves the initramfs (host_leave_initramfs()), as virtiofsd wants it.
 */
void peers_find_back_ends(void);

/* A qemu-storage-daemon that serves @image to vhost-user at @socket, ready. The caller ends it. */
pid_t peers_start_storage(const char *image, const char *socket);

/* A connection to the unix socket @path, which must be there. */
int peers_dial(const char *path);

#endif
