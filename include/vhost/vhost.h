/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a vhost-user device: the process that serves its queues, and a socket to it.
 * Either somebody listens at a path, or arcvisor starts virtiofsd (Debian's package of that name)
 * for a folder, in its sandbox.
 *
 * Thread: one that opens and closes.
 */
#ifndef ARCVISOR_VHOST_VHOST_H
#define ARCVISOR_VHOST_VHOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vhost/messages.h"

#define VHOST_ID_MAX	 15u
#define VHOST_TAG_MAX	 36u /* bytes (virtio 1.2 section 5.11.4) */
#define VHOST_MAX_QUEUES 16u /* of requests */
#define VHOST_BLK_SPACE	 60u /* bytes of a disk's configuration (section 5.2.4) */

enum vhost_kind {
	VHOST_FS,  /* a shared folder */
	VHOST_BLK, /* a disk */
};

struct vhost_config {
	enum vhost_kind kind;
	char id[VHOST_ID_MAX + 1];   /* its name in messages */
	const char *socket;	     /* where somebody listens, or NULL */
	const char *path;	     /* VHOST_FS without a socket: the folder */
	bool read_only;		     /* with @path */
	char tag[VHOST_TAG_MAX + 1]; /* VHOST_FS: its name in the guest */
	unsigned int queues;	     /* 0: 1 */
};

struct vhost_end {
	const struct vhost_config *config;
	struct vhost_link link; /* its descriptor is -1 where there is no connection */
	pid_t pid;		/* the process that was started, or -1 */

	/* What it said when it was connected last. */
	uint64_t features;		 /* of the device */
	unsigned int most;		 /* queues that it serves */
	uint8_t space[VHOST_MAX_CONFIG]; /* VHOST_BLK: the device's configuration */
};

/*
 * Connects, having started what @config says, and learns what the other end can do: it must be fit
 * to serve such a device. 0, or -errno after a line in the log.
 */
int vhost_open(const struct vhost_config *config, struct vhost_end **out);

/* Connects one that has no connection: as vhost_open(). */
int vhost_connect(struct vhost_end *end);

/* Closes the connection, and ends a process that was started: neither has guest memory any more. */
void vhost_disconnect(struct vhost_end *end);

/* After that. NULL is fine. */
void vhost_close(struct vhost_end *end);

#endif
