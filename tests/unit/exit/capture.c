/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int saved = -1;
static int file = -1;

void capture_start(void)
{
	file = memfd_create("stderr", MFD_CLOEXEC);
	saved = dup(STDERR_FILENO);
	cr_assert(file >= 0 && saved >= 0);
	cr_assert(dup2(file, STDERR_FILENO) == STDERR_FILENO);
}

char *capture_stop(void)
{
	off_t size = lseek(file, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	cr_assert(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	cr_assert(text && pread(file, text, (size_t)size, 0) == size);
	close(file);
	close(saved);
	return text;
}
