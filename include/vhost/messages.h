/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of vhost-user (QEMU docs/interop/vhost-user.rst), the front end's side. One request
 * at a time, on a socket that is the caller's.
 *
 * Every function gives 0 or more, or -errno: -EPIPE (the back end is gone), -ETIMEDOUT (it has not
 * answered for long), -EPROTO (it said what it may not), -EREMOTEIO (it refused). After any of
 * these the connection is of no more use.
 */
#ifndef ARCVISOR_VHOST_MESSAGES_H
#define ARCVISOR_VHOST_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"
#include "vhost/queue.h"

#define VHOST_F_PROTOCOL_FEATURES 30u /* beside the device's features */

/* Protocol features. */
#define VHOST_PROTOCOL_F_MQ	   0u
#define VHOST_PROTOCOL_F_REPLY_ACK 3u
#define VHOST_PROTOCOL_F_CONFIG	   9u

#define VHOST_MAX_CONFIG 256u

struct vhost_link {
	int fd;
	bool acks; /* REPLY_ACK was negotiated */
};

int vhost_get_features(struct vhost_link *link, uint64_t *features);
int vhost_set_features(struct vhost_link *link, uint64_t features);
int vhost_get_protocol_features(struct vhost_link *link, uint64_t *features);
int vhost_set_protocol_features(struct vhost_link *link, uint64_t features);
int vhost_get_queue_num(struct vhost_link *link, uint64_t *nr);
int vhost_set_owner(struct vhost_link *link);

/* All of @mem; it is shared memory. Returns when the back end has it, if it acknowledges. */
int vhost_set_mem_table(struct vhost_link *link, const struct gmem *mem);

/* @len (at most VHOST_MAX_CONFIG) bytes of the device's configuration, from its beginning. */
int vhost_get_config(struct vhost_link *link, void *buf, uint32_t len);

int vhost_start_queue(struct vhost_link *link, const struct vhost_queue *queue);

/* Returns when the back end uses the queue no more. */
int vhost_stop_queue(struct vhost_link *link, unsigned int index);

#endif
