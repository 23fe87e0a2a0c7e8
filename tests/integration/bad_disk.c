/* SPDX-License-Identifier: Apache-2.0 */
#include "bad_disk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGFS "/sys/kernel/config"

/* In sectors of 512 bytes. */
static const char *const attributes[][2] = {
	{ "queue_mode", "2" },	  { "irqmode", "0" },	      { "size", "8" },
	{ "memory_backed", "1" }, { "badblocks", "+80-159" }, { "power", "1" },
};

static void path_of(char *path, size_t size, const char *name, const char *attribute)
{
	snprintf(path, size, CONFIGFS "/nullb/%s%s%s", name, *attribute ? "/" : "", attribute);
}

static bool set(const char *name, const char *attribute, const char *value)
{
	char path[128];
	FILE *file;
	bool done;

	path_of(path, sizeof(path), name, attribute);
	file = fopen(path, "w");
	if (!file)
		return false;
	done = fputs(value, file) >= 0;
	return fclose(file) == 0 && done;
}

bool bad_disk_make(const char *name)
{
	char path[128];

	if (access(CONFIGFS "/nullb", F_OK) < 0)
		mount("configfs", CONFIGFS, "configfs", 0, NULL); /* there from here on */
	path_of(path, sizeof(path), name, "");
	if (mkdir(path, 0755) < 0)
		return false;
	for (unsigned int i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		cr_assert(set(name, attributes[i][0], attributes[i][1]), "%s/%s", path,
			  attributes[i][0]);
	return true;
}

void bad_disk_remove(const char *name)
{
	char path[128];

	path_of(path, sizeof(path), name, "");
	cr_expect(set(name, "power", "0"));
	cr_expect_eq(rmdir(path), 0, "%s", path);
}

/* Past the page cache, so that each is one request; a request with a bad block in it fails whole.
 */
void bad_disk_check(struct machine *machine, const char *device)
{
	char command[512], want[64];

	snprintf(command, sizeof(command),
		 "d=%s; head -c 4096 /dev/urandom >/tmp/one; io() { dd if=$1 of=$2 bs=4k $3 $4 $5 "
		 "2>&1 | grep -c 'nput/output error'; }; "
		 "echo bad-'%s' $(io /dev/$d /tmp/g skip=9 count=1 iflag=direct) "
		 "$(io /dev/$d /tmp/g skip=10 count=1 iflag=direct) "
		 "$(io /tmp/one /dev/$d seek=19 count=1 oflag=direct) "
		 "$(io /tmp/one /dev/$d seek=20 count=1 oflag=direct) "
		 "$(io /dev/$d /tmp/g skip=20 count=1 iflag=direct); "
		 "cmp -n 4096 /tmp/one /tmp/g && echo good-'%s'",
		 device, device, device);
	snprintf(want, sizeof(want), "bad-%s 0 1 1 0 0\r\ngood-%s", device, device);
	shell(machine, command, want);
}
