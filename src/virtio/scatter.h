/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: bytes of a chain, wherever its descriptors begin and end. */
#ifndef ARCVISOR_VIRTIO_SCATTER_H
#define ARCVISOR_VIRTIO_SCATTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* @iov is changed by what is taken; none of its entries is empty. */
struct scatter {
	struct iovec *iov;
	unsigned int nr;
	uint64_t len; /* bytes of all of them */
};

/* Copies @len bytes off the front, once; false where there are fewer. */
bool scatter_take_front(struct scatter *list, void *buf, size_t len);

/* Without the first @len bytes, which are there. */
void scatter_drop_front(struct scatter *list, size_t len);

/* No more than the first @len bytes. */
void scatter_limit(struct scatter *list, uint64_t len);

/* The last byte, off the end; NULL where there is none. */
uint8_t *scatter_take_last(struct scatter *list);

/* Copies @len bytes from @buf to offset @skip, or there to @buf, as far as the list reaches. */
void scatter_put(const struct scatter *list, uint64_t skip, const void *buf, size_t len);
void scatter_get(const struct scatter *list, uint64_t skip, void *buf, size_t len);

#endif
