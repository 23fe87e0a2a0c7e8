/* SPDX-License-Identifier: Apache-2.0 */
/* --disk: what it comes to, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct disk_config *parse_disk(const char *value)
{
	parse(&outcome, RUN, "--disk", (char *)(uintptr_t)value);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_disks, 1);
	return &outcome.config.disks[0];
}

Test(disk_option, none)
{
	parse(&outcome, RUN);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.nr_disks, 0);
}

Test(disk_option, defaults)
{
	const struct disk_config *disk = parse_disk("root.img");

	cr_assert_str_eq(disk->path, "root.img");
	cr_assert_str_eq(disk->id, "disk0");
	cr_assert_str_empty(disk->serial);
	cr_assert_not(disk->read_only || disk->direct);
	cr_assert(disk->discard);
	cr_assert_eq(disk->engine, BLK_ENGINE_AUTO);
	cr_assert_eq(disk->via, DISK_VIA_VIRTIO);
	cr_assert_eq(disk->mode, DISK_MODE_AUTO);
	cr_assert_eq(disk->queues, 0);
	cr_assert_eq(disk->block_size, 0);
	cr_assert_eq(disk->bytes.rate | disk->bytes.burst | disk->ops.rate | disk->ops.burst, 0);
}

Test(disk_option, everything)
{
	const struct disk_config *disk =
		parse_disk("/dev/x,ro,direct,engine=sync,queues=512,serial=A b,,=c,discard=off,"
			   "id=a.b-c_9,block-size=4096,mode=inline,via=hvc,bps=100M,bps-burst=512,"
			   "iops=7,iops-burst=9");

	cr_assert_str_eq(disk->path, "/dev/x");
	cr_assert_str_eq(disk->id, "a.b-c_9");
	cr_assert_str_eq(disk->serial, "A b,=c");
	cr_assert(disk->read_only && disk->direct && !disk->discard);
	cr_assert_eq(disk->engine, BLK_ENGINE_SYNC);
	cr_assert_eq(disk->via, DISK_VIA_HVC);
	cr_assert_eq(disk->mode, DISK_MODE_INLINE);
	cr_assert_eq(disk->queues, 512);
	cr_assert_eq(disk->block_size, 4096);
	cr_assert_eq(disk->bytes.rate, 100u << 20);
	cr_assert_eq(disk->bytes.burst, 512);
	cr_assert_eq(disk->ops.rate, 7);
	cr_assert_eq(disk->ops.burst, 9);
}

Test(disk_option, other_words)
{
	const struct disk_config *disk = parse_disk(
		"a,cached,engine=uring,discard=unmap,block-size=512,mode=thread,via=virtio,bps=5");

	cr_assert_not(disk->direct);
	cr_assert_eq(disk->engine, BLK_ENGINE_URING);
	cr_assert(disk->discard);
	cr_assert_eq(disk->block_size, 512);
	cr_assert_eq(disk->mode, DISK_MODE_THREAD);
	cr_assert_eq(disk->via, DISK_VIA_VIRTIO);
	cr_assert_eq(disk->bytes.rate, 5);
	cr_assert_eq(parse_disk("a,engine=auto,mode=auto")->engine, BLK_ENGINE_AUTO);
}

Test(disk_option, commas_in_paths)
{
	cr_assert_str_eq(parse_disk("a,,b")->path, "a,b");
	cr_assert_str_eq(parse_disk(",,")->path, ",");
	cr_assert_str_eq(parse_disk("a,,,ro")->path, "a,");
	cr_assert(parse_disk("a,,,ro")->read_only);
	cr_assert_str_eq(parse_disk("a,,,,b,ro")->path, "a,,b");
	cr_assert_str_eq(parse_disk("a=b")->path, "a=b");
}

Test(disk_option, several)
{
	parse(&outcome, RUN, "-d", "a", "--disk=b,id=disk3", "-d", "c", "-d", "d");
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.nr_disks, 4);
	cr_assert_str_eq(outcome.config.disks[0].id, "disk0");
	cr_assert_str_eq(outcome.config.disks[1].id, "disk3");
	cr_assert_str_eq(outcome.config.disks[2].id, "disk2");
	cr_assert_str_eq(outcome.config.disks[3].id, "disk4");
	cr_assert_str_eq(outcome.config.disks[3].path, "d");
}

Test(disk_option, at_most_64)
{
	char *words[2 * 65 + 5] = { "arcvisor", RUN };

	for (unsigned int i = 0; i < 65; i++) {
		words[4 + 2 * i] = "-d";
		words[5 + 2 * i] = "x.img";
	}
	assert_refused_argv("--disk x.img: a machine has at most 64 disks; leave some out", words);
	words[4 + 2 * 64] = NULL;
	parse_argv(&outcome, words);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.nr_disks, 64);
}

/* Two disks, on separate files, to compare the ways to reach them. */
Test(disk_option, both)
{
	const struct disk_config *disks = outcome.config.disks;

	parse(&outcome, RUN, "-d", "a,via=both,hvc-file=b,,c,ro,queues=2,serial=S,mode=thread");
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_disks, 2);
	cr_assert_eq(disks[0].via, DISK_VIA_VIRTIO);
	cr_assert_str_eq(disks[0].path, "a");
	cr_assert_str_eq(disks[0].id, "disk0");
	cr_assert_eq(disks[0].queues, 2);
	cr_assert_eq(disks[1].via, DISK_VIA_HVC);
	cr_assert_str_eq(disks[1].path, "b,c");
	cr_assert_str_eq(disks[1].id, "disk1");
	cr_assert_eq(disks[1].queues, 0, "the guest makes as many as it likes");
	for (unsigned int i = 0; i < 2; i++) {
		cr_assert(disks[i].read_only);
		cr_assert_str_eq(disks[i].serial, "S");
		cr_assert_eq(disks[i].mode, DISK_MODE_THREAD);
	}
	parse(&outcome, RUN, "-d", "a,via=both,hvc-file=b,id=root");
	cr_assert_str_eq(disks[0].id, "root");
	cr_assert_str_eq(disks[1].id, "root-hvc");
}

#define REFUSED(value, line) assert_refused("--disk " line, RUN, "--disk", value)

Test(disk_option, refused_words)
{
	REFUSED("a,rw", "a: \"rw\" is no option of a disk; see arcvisor run --help (a comma in a "
			"path is written twice)");
	REFUSED("a,", "a: \"\" is no option of a disk; see arcvisor run --help (a comma in a path "
		      "is written twice)");
	REFUSED("a,r", "a: \"r\" is no option of a disk; see arcvisor run --help (a comma in a "
		       "path is written twice)");
	REFUSED("a,ro=1", "a: ro takes no value; leave out what follows the =");
	REFUSED("a,ro,ro", "a: ro is given twice; give it once");
	REFUSED("a,via=both", "a: via=both is for two files, the second named by hvc-file=FILE; "
			      "give both or neither");
	REFUSED("a,hvc-file=b", "a: via=both is for two files, the second named by hvc-file=FILE; "
				"give both or neither");
	REFUSED("a,via=both,hvc-file=", "a: hvc-file=: give a file");
	REFUSED("a,via=both,hvc-file=b,id=abcdefghijklmnopqrstuvwxyz123",
		"a: id=abcdefghijklmnopqrstuvwxyz123: with via=both give at most 28 characters");
	REFUSED("a,queues=2,queues=2", "a: queues is given twice; give it once");
	REFUSED("a,direct,cached", "a: cached and direct exclude each other; give one of them");
	REFUSED("a,cached,direct", "a: direct and cached exclude each other; give one of them");
}

Test(disk_option, refused_values)
{
	REFUSED("a,engine", "a: engine: give auto, uring or sync");
	REFUSED("a,engine=aio", "a: engine=aio: give auto, uring or sync");
	REFUSED("a,queues=0", "a: queues=0: give 1 to 512");
	REFUSED("a,queues=513", "a: queues=513: give 1 to 512");
	REFUSED("a,queues=", "a: queues=: give 1 to 512");
	REFUSED("a,queues=18446744073709551617", "a: queues=18446744073709551617: give 1 to 512");
	REFUSED("a,serial=123456789012345678901",
		"a: serial=123456789012345678901: give 1 to 20 printable characters");
	REFUSED("a,serial=", "a: serial=: give 1 to 20 printable characters");
	REFUSED("a,discard=on", "a: discard=on: give off or unmap");
	REFUSED("a,id=a/b", "a: id=a/b: give 1 to 32 letters, digits, dots, dashes or underscores");
	REFUSED("a,block-size=1024", "a: block-size=1024: give 512 or 4096");
	REFUSED("a,mode=fast", "a: mode=fast: give auto, inline or thread");
	REFUSED("a,via=pci", "a: via=pci: give virtio, hvc or both");
	REFUSED("a,bps=0", "a: bps=0: give bytes a second, such as 100M");
	REFUSED("a,bps=1X", "a: bps=1X: give bytes a second, such as 100M");
	REFUSED("a,bps=99999999999999999999",
		"a: bps=99999999999999999999: give bytes a second, such as 100M");
	REFUSED("a,iops=1K", "a: iops=1K: give operations a second, 1 to 1000000000");
	REFUSED("a,bps-burst=1M", "a: bps-burst without bps; give both");
	REFUSED("a,iops-burst=1", "a: iops-burst without iops; give both");
}

Test(disk_option, refused_paths)
{
	assert_refused("--disk: the path is empty; name a file or a block device", RUN, "--disk",
		       "");
	assert_refused("--disk: the path is empty; name a file or a block device", RUN, "--disk",
		       ",ro");
	assert_refused("--disk needs a file before --cpus; a file of that name is ./--cpus", RUN,
		       "--disk", "--cpus");
}

Test(disk_option, refused_ids)
{
	assert_refused("--disk b: id=x is another disk's; give each its own", RUN, "--disk",
		       "a,id=x", "--disk", "b,id=x");
	assert_refused("--disk b: id=disk0 is another disk's; give each its own", RUN, "--disk",
		       "a", "--disk", "b,id=disk0");
}
