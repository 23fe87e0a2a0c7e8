/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the block device (virtio 1.2 section 5.2.6). The framing is the driver's (section
 * 2.7.4.1): the header is the first 16 readable bytes and the status the last writable one,
 * wherever descriptors begin and end.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "blk_internal.h"
#include "scatter.h"

uint8_t vblk_status(int error)
{
	if (!error)
		return VBLK_S_OK;
	return error == -EOPNOTSUPP ? VBLK_S_UNSUPP : VBLK_S_IOERR;
}

/* ---- each type ------------------------------------------------------------------------------- */

static enum vblk_parsed end_with(struct vblk_req *req, uint8_t status, uint32_t written)
{
	*req->status = status;
	req->written = written;
	return VBLK_ENDED;
}

/* The block layer checks range, alignment and what the disk can do. */
static enum vblk_parsed move(struct vblk_req *req, enum blk_op op, uint64_t sector,
			     const struct scatter *data)
{
	if (sector > UINT64_MAX >> SECTOR_SHIFT || data->nr > BLK_MAX_IOV)
		return end_with(req, VBLK_S_IOERR, 0);
	req->blk.op = op;
	req->blk.offset = sector << SECTOR_SHIFT;
	req->blk.len = data->len;
	req->blk.iov = data->iov;
	req->blk.nr_iov = data->nr;
	req->written = op == BLK_READ ? (uint32_t)data->len : 0;
	return VBLK_SUBMIT;
}

static enum vblk_parsed flush(struct vblk_req *req)
{
	req->blk.op = BLK_FLUSH;
	req->blk.offset = req->blk.len = 0;
	req->blk.nr_iov = 0;
	return VBLK_SUBMIT;
}

static enum vblk_parsed get_id(const struct vblk *vblk, struct vblk_req *req,
			       const struct scatter *in)
{
	char id[DISK_SERIAL_MAX] = { 0 };
	const char *serial = disk_config(vblk->disk)->serial;
	size_t len = in->len < sizeof(id) ? (size_t)in->len : sizeof(id);

	memcpy(id, serial, strnlen(serial, sizeof(id)));
	scatter_put(in, 0, id, len);
	return end_with(req, VBLK_S_OK, (uint32_t)len);
}

/* One range, as max_discard_seg and max_write_zeroes_seg say. */
static enum vblk_parsed ranged(struct vblk_req *req, enum blk_op op, struct scatter *out)
{
	struct vblk_range range;
	bool unmap;

	if (out->len != sizeof(range) || !scatter_take_front(out, &range, sizeof(range)))
		return end_with(req, VBLK_S_IOERR, 0);
	unmap = range.flags & VBLK_RANGE_UNMAP;
	/* Section 5.2.6.2: unknown flags, and unmap of what is discarded anyway. */
	if ((range.flags & ~VBLK_RANGE_UNMAP) || (op == BLK_DISCARD && unmap))
		return end_with(req, VBLK_S_UNSUPP, 0);
	if (range.sector > UINT64_MAX >> SECTOR_SHIFT)
		return end_with(req, VBLK_S_IOERR, 0);
	req->blk.op = op;
	req->blk.offset = range.sector << SECTOR_SHIFT;
	req->blk.len = (uint64_t)range.nr_sectors << SECTOR_SHIFT;
	req->blk.nr_iov = 0;
	if (op == BLK_WRITE_ZEROES && !unmap)
		req->blk.flags |= BLK_NOUNMAP;
	return VBLK_SUBMIT;
}

static bool has(const struct vblk *vblk, unsigned int feature)
{
	return vblk->dev.features & BIT64(feature);
}

enum vblk_parsed vblk_parse(const struct vblk *vblk, struct virtq_chain *chain,
			    struct vblk_req *req)
{
	struct scatter out = { chain->iov, chain->nr_out, chain->out_len };
	struct scatter in = { chain->iov + chain->nr_out, chain->nr_in, chain->in_len };
	struct vblk_header header;

	req->head = chain->head;
	req->status = scatter_take_last(&in);
	if (!req->status || !scatter_take_front(&out, &header, sizeof(header)))
		return VBLK_BROKEN;
	req->written = 0;
	req->blk.disk = vblk->disk;
	req->blk.flags = 0;
	switch (header.type) {
	case VBLK_T_IN:
		return move(req, BLK_READ, header.sector, &in);
	case VBLK_T_OUT:
		return move(req, BLK_WRITE, header.sector, &out);
	case VBLK_T_FLUSH:
		return flush(req);
	case VBLK_T_GET_ID:
		return get_id(vblk, req, &in);
	case VBLK_T_DISCARD:
		if (has(vblk, VBLK_F_DISCARD))
			return ranged(req, BLK_DISCARD, &out);
		break;
	case VBLK_T_WRITE_ZEROES:
		if (has(vblk, VBLK_F_WRITE_ZEROES))
			return ranged(req, BLK_WRITE_ZEROES, &out);
		break;
	default:
		break;
	}
	return end_with(req, VBLK_S_UNSUPP, 0);
}
