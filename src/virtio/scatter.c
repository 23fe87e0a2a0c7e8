/* SPDX-License-Identifier: Apache-2.0 */
#include "scatter.h"

#include <string.h>

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

void scatter_drop_front(struct scatter *list, size_t len)
{
	list->len -= len;
	while (len) {
		struct iovec *iov = list->iov;
		size_t n = min(iov->iov_len, len);

		len -= n;
		iov->iov_base = (uint8_t *)iov->iov_base + n;
		iov->iov_len -= n;
		if (!iov->iov_len) {
			list->iov++;
			list->nr--;
		}
	}
}

bool scatter_take_front(struct scatter *list, void *buf, size_t len)
{
	if (list->len < len)
		return false;
	scatter_get(list, 0, buf, len);
	scatter_drop_front(list, len);
	return true;
}

void scatter_limit(struct scatter *list, uint64_t len)
{
	uint64_t sum = 0;
	unsigned int nr = 0;

	if (len >= list->len)
		return;
	while (sum < len) {
		struct iovec *iov = &list->iov[nr++];

		iov->iov_len = min(iov->iov_len, (size_t)(len - sum));
		sum += iov->iov_len;
	}
	list->nr = nr;
	list->len = len;
}

uint8_t *scatter_take_last(struct scatter *list)
{
	struct iovec *iov;

	if (!list->len)
		return NULL;
	list->len--;
	iov = &list->iov[list->nr - 1];
	if (!--iov->iov_len)
		list->nr--;
	return (uint8_t *)iov->iov_base + iov->iov_len;
}

void scatter_put(const struct scatter *list, uint64_t skip, const void *buf, size_t len)
{
	const uint8_t *at = buf;

	for (unsigned int i = 0; len && i < list->nr; i++) {
		const struct iovec *iov = &list->iov[i];
		size_t n;

		if (skip >= iov->iov_len) {
			skip -= iov->iov_len;
			continue;
		}
		n = min(iov->iov_len - (size_t)skip, len);
		memcpy((uint8_t *)iov->iov_base + skip, at, n);
		at += n;
		len -= n;
		skip = 0;
	}
}

void scatter_get(const struct scatter *list, uint64_t skip, void *buf, size_t len)
{
	uint8_t *at = buf;

	for (unsigned int i = 0; len && i < list->nr; i++) {
		const struct iovec *iov = &list->iov[i];
		size_t n;

		if (skip >= iov->iov_len) {
			skip -= iov->iov_len;
			continue;
		}
		n = min(iov->iov_len - (size_t)skip, len);
		memcpy(at, (const uint8_t *)iov->iov_base + skip, n);
		at += n;
		len -= n;
		skip = 0;
	}
}
