/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that direct I/O takes, in the place of guest memory that it does not. */
#include <errno.h>
#include <sys/mman.h>

#include "base/util.h"
#include "queue_internal.h"

#define NR_BUFFERS ARRAY_SIZE(((struct blk_bounce *)0)->free)
#define TOTAL	   (NR_BUFFERS * BLK_BOUNCE_SIZE)

int blk_bounce_init(struct blk_bounce *bounce)
{
	uint8_t *base =
		mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return -ENOMEM;
	bounce->base = base;
	for (unsigned int i = 0; i < NR_BUFFERS; i++)
		bounce->free[i] = base + (uint64_t)i * BLK_BOUNCE_SIZE;
	bounce->nr_free = NR_BUFFERS;
	return 0;
}

void blk_bounce_fini(struct blk_bounce *bounce)
{
	if (bounce->base)
		munmap(bounce->base, TOTAL);
}

bool blk_bounce_get(struct blk_bounce *bounce, struct blk_req *req)
{
	if (!bounce->nr_free) {
		req_list_add(&bounce->waiting, req);
		return false;
	}
	req->bounce = bounce->free[--bounce->nr_free];
	return true;
}

struct blk_req *blk_bounce_put(struct blk_bounce *bounce, struct blk_req *req)
{
	struct blk_req *next = req_list_take(&bounce->waiting);

	if (next)
		next->bounce = req->bounce;
	else
		bounce->free[bounce->nr_free++] = req->bounce;
	req->bounce = NULL;
	return next;
}
