/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and single values in guest memory. */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "mem/gmem.h"

/* The host bytes of [@gpa, @gpa + @len) up to the region's end; how many in *@chunk. */
static void *first_chunk(const struct gmem *mem, gpa_t gpa, uint64_t len, uint64_t *chunk)
{
	void *host = gmem_translate(mem, gpa, chunk);

	if (*chunk > len)
		*chunk = len;
	return host;
}

/* True if every byte is RAM. A region never wraps, so neither does @gpa before it leaves RAM. */
static bool all_ram(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	uint64_t chunk;

	for (; len; gpa += chunk, len -= chunk)
		if (!first_chunk(mem, gpa, len, &chunk))
			return false;
	return true;
}

int gmem_read(const struct gmem *mem, gpa_t gpa, void *buf, uint64_t len)
{
	uint8_t *to = buf;
	uint64_t chunk;

	if (!all_ram(mem, gpa, len))
		return -EFAULT;
	for (; len; gpa += chunk, to += chunk, len -= chunk) {
		const void *host = first_chunk(mem, gpa, len, &chunk);

		memcpy(to, host, chunk);
	}
	/* The caller checks the copy: the compiler must not look at guest memory again instead. */
	atomic_signal_fence(memory_order_seq_cst);
	return 0;
}

int gmem_write(const struct gmem *mem, gpa_t gpa, const void *buf, uint64_t len)
{
	const uint8_t *from = buf;
	uint64_t chunk;

	if (!all_ram(mem, gpa, len))
		return -EFAULT;
	for (; len; gpa += chunk, from += chunk, len -= chunk) {
		void *host = first_chunk(mem, gpa, len, &chunk);

		memcpy(host, from, chunk);
	}
	return 0;
}

int gmem_zero(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	uint64_t chunk;

	if (!all_ram(mem, gpa, len))
		return -EFAULT;
	for (; len; gpa += chunk, len -= chunk) {
		void *host = first_chunk(mem, gpa, len, &chunk);

		memset(host, 0, chunk);
	}
	return 0;
}

int gmem_iov(const struct gmem *mem, gpa_t gpa, uint64_t len, struct iovec *iov, int max)
{
	uint64_t chunk;
	int n = 0;

	for (; len; gpa += chunk, len -= chunk) {
		void *host = first_chunk(mem, gpa, len, &chunk);

		if (!host)
			return -EFAULT;
		if (n < max)
			iov[n] = (struct iovec){ .iov_base = host, .iov_len = chunk };
		n++;
	}
	return n <= max ? n : -ENOSPC;
}

/* The host address of a naturally aligned value; such a one never crosses a page or region. */
static int value_at(const struct gmem *mem, gpa_t gpa, uint64_t size, void **host)
{
	if (gpa & (size - 1))
		return -EINVAL;
	*host = gmem_slice(mem, gpa, size);
	return *host ? 0 : -EFAULT;
}

/* Relaxed atomics are the accesses that C lets neither tear nor repeat. */
#define GMEM_VALUE(bits, from_le, to_le)                                                           \
	int gmem_read##bits(const struct gmem *mem, gpa_t gpa, uint##bits##_t *val)                \
	{                                                                                          \
		void *host;                                                                        \
		int ret = value_at(mem, gpa, sizeof(*val), &host);                                 \
                                                                                                   \
		if (ret == 0)                                                                      \
			*val = from_le(__atomic_load_n((uint##bits##_t *)host, __ATOMIC_RELAXED)); \
		return ret;                                                                        \
	}                                                                                          \
                                                                                                   \
	int gmem_write##bits(const struct gmem *mem, gpa_t gpa, uint##bits##_t val)                \
	{                                                                                          \
		void *host;                                                                        \
		int ret = value_at(mem, gpa, sizeof(val), &host);                                  \
                                                                                                   \
		if (ret == 0)                                                                      \
			__atomic_store_n((uint##bits##_t *)host, to_le(val), __ATOMIC_RELAXED);    \
		return ret;                                                                        \
	}

GMEM_VALUE(8, , )
GMEM_VALUE(16, le16toh, htole16)
GMEM_VALUE(32, le32toh, htole32)
GMEM_VALUE(64, le64toh, htole64)
