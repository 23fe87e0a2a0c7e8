/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: which guest physical addresses are RAM, and the only way from one to host bytes.
 *
 * A guest address is a number (gpa_t). It becomes host bytes through gmem_slice() alone, or one
 * of the functions built on it: no other part adds a guest's number to a host pointer. All of
 * them refuse what overflows, lies in a hole, or runs over a region's end.
 *
 * Regions are added before the first vCPU runs and stay until gmem_fini(); look-ups take no lock
 * and may be made from any thread. The guest may change any byte at any time: copy once, check
 * the copy, use the copy.
 *
 * Byte order: the typed accessors work on little-endian guest values; buffers are bytes.
 */
#ifndef ARCVISOR_MEM_GMEM_H
#define ARCVISOR_MEM_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "mem/backing.h"

/* A guest physical address (Arm: intermediate physical address). */
typedef uint64_t gpa_t;

#define GMEM_MAX_REGIONS 8

struct gmem_region {
	gpa_t base;    /* page aligned */
	uint64_t size; /* bytes, page aligned, not 0 */
	uint8_t *host; /* where the region is mapped in this process */
	int fd;	       /* the memfd behind it, owned by gmem; -1: private memory */
	uint64_t page; /* bytes of the host's pages there: the least that can be given back */
	bool collapse; /* huge pages are welcome, and ours to make */
};

struct gmem {
	unsigned int nr_regions;
	struct gmem_region regions[GMEM_MAX_REGIONS]; /* by rising base, never overlapping */
};

/* An empty map. */
void gmem_init(struct gmem *mem);

/* Unmaps and closes every region. Nothing may use guest memory any more, the kernel included. */
void gmem_fini(struct gmem *mem);

/*
 * Adds RAM at [@base, @base + @size): a shared mapping of a new memfd, zero, reserved but not
 * touched, sealed against resizing. @base and @size are multiples of the host's page size.
 *
 * 0, or -EINVAL (alignment, empty, its end does not fit 64 bits, larger than any file), -EEXIST
 * (overlaps a region), -ENOSPC (too many regions), or what memfd_create(2), ftruncate(2) or mmap(2)
 * said.
 */
int gmem_add(struct gmem *mem, gpa_t base, uint64_t size);

/*
 * The same of memory as @backing says; one of private memory has no memfd. @base and @size are
 * multiples of its page size. Errors beyond the above: -ENOMEM (pages of a pool: they are not
 * there), what mbind(2) and madvise(2) said, and where it is taken at once -ENOMEM or -EFAULT.
 */
int gmem_add_backed(struct gmem *mem, gpa_t base, uint64_t size,
		    const struct gmem_backing *backing);

/* Bytes of RAM over all regions. */
uint64_t gmem_size(const struct gmem *mem);

/*
 * Translate and limit: the host address of @gpa, and in *@limit how many bytes follow it in its
 * region (at least 1). NULL where @gpa is not RAM; then *@limit is 0.
 */
void *gmem_translate(const struct gmem *mem, gpa_t gpa, uint64_t *limit);

/*
 * Host bytes for [@gpa, @gpa + @len), or NULL if not all of it lies in one region. @len of 0
 * yields NULL: there is nothing to point at.
 */
void *gmem_slice(const struct gmem *mem, gpa_t gpa, uint64_t len);

/*
 * Puts huge pages behind [@gpa, @gpa + @len), where the host has them to give: for a range that is
 * about to be filled whole. Takes the memory at once and changes no byte of it; not while a guest
 * runs. Only a wish: what
 * it cannot have stays as it was. Linux 6.1 and later (MADV_COLLAPSE), which also serves hosts
 * whose shmem_enabled is "never", Debian's among them.
 */
void gmem_want_huge(const struct gmem *mem, gpa_t gpa, uint64_t len);

/*
 * Gives the host's pages that lie whole in the @len bytes at @host back to the host; gmem_slice()
 * or one of its kind gave that address. They read zero then, and come back where they are touched:
 * those of a pool only if that has any left. The bytes given back, or -errno. From any thread, and
 * while the guest and the host's kernel use that memory: they may only lose what they write.
 */
int64_t gmem_discard(const struct gmem *mem, const void *host, uint64_t len);

/*
 * Takes the host's pages of which [@gpa, @gpa + @len) has a part, if they are not there, without a
 * change to any byte. 0, -EFAULT (not all in one region), or -errno: there are none to be had.
 */
int gmem_take(const struct gmem *mem, gpa_t gpa, uint64_t len);

/*
 * Copies @len bytes out of, or into, guest memory. The range may run over several regions that
 * touch. 0, or -EFAULT if any byte is not RAM: then nothing was copied. @len of 0 succeeds.
 */
int gmem_read(const struct gmem *mem, gpa_t gpa, void *buf, uint64_t len);
int gmem_write(const struct gmem *mem, gpa_t gpa, const void *buf, uint64_t len);

/* Fills [@gpa, @gpa + @len) with zeroes; errors as gmem_write(). */
int gmem_zero(const struct gmem *mem, gpa_t gpa, uint64_t len);

/*
 * Describes [@gpa, @gpa + @len) as at most @max iovecs, one a region, for readv(2) and the like.
 * The number of iovecs, 0 for a @len of 0, -EFAULT (not all RAM), or else -ENOSPC (@max too
 * small). GMEM_MAX_REGIONS of them are always enough.
 */
int gmem_iov(const struct gmem *mem, gpa_t gpa, uint64_t len, struct iovec *iov, int max);

/*
 * Makes @last, an entry of such a list, longer by the @len bytes at @host, which gmem_slice() gave,
 * where they follow it at once: true; else false, and they want an entry of their own. The kernel
 * takes a page of a long entry for a third of what an entry costs.
 */
static inline bool gmem_join(struct iovec *last, const void *host, uint64_t len)
{
	if ((const uint8_t *)last->iov_base + last->iov_len != (const uint8_t *)host)
		return false;
	last->iov_len += (size_t)len;
	return true;
}

/*
 * One value, one access that the compiler neither repeats nor tears. @gpa must be a multiple of
 * the value's size, so that the access is single-copy atomic (Arm DDI0487 B2.2). 0, -EFAULT (not
 * RAM), or -EINVAL (not aligned).
 */
int gmem_read8(const struct gmem *mem, gpa_t gpa, uint8_t *val);
int gmem_read16(const struct gmem *mem, gpa_t gpa, uint16_t *val);
int gmem_read32(const struct gmem *mem, gpa_t gpa, uint32_t *val);
int gmem_read64(const struct gmem *mem, gpa_t gpa, uint64_t *val);
int gmem_write8(const struct gmem *mem, gpa_t gpa, uint8_t val);
int gmem_write16(const struct gmem *mem, gpa_t gpa, uint16_t val);
int gmem_write32(const struct gmem *mem, gpa_t gpa, uint32_t val);
int gmem_write64(const struct gmem *mem, gpa_t gpa, uint64_t val);

/* A typed object: copies *@obj whole. The object must have no padding that matters. */
#define gmem_read_obj(mem, gpa, obj)  gmem_read((mem), (gpa), (obj), sizeof(*(obj)))
#define gmem_write_obj(mem, gpa, obj) gmem_write((mem), (gpa), (obj), sizeof(*(obj)))

#endif
