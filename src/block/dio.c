/* SPDX-License-Identifier: Apache-2.0 */
/* statx(2) with the kernel's own struct: the C libraries' know nothing of direct I/O. */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk_internal.h"

int disk_dio_align(int fd, uint32_t *memory, uint32_t *offset)
{
	struct statx stx;

	memset(&stx, 0, sizeof(stx));
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) < 0)
		return -ENODATA;
	if (!(stx.stx_mask & STATX_DIOALIGN))
		return -ENODATA;
	if (!stx.stx_dio_offset_align)
		return -EINVAL;
	*memory = stx.stx_dio_mem_align;
	*offset = stx.stx_dio_offset_align;
	return 0;
}
