/* SPDX-License-Identifier: Apache-2.0 */
/* The options of each command: how each value is checked, and what help says of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/load.h"
#include "ctl/balloon_option.h"
#include "ctl/disk_option.h"
#include "ctl/memory_option.h"
#include "ctl/net_option.h"
#include "ctl/options.h"
#include "ctl/pmem_option.h"
#include "ctl/vhost_option.h"
#include "ctl/vsock_option.h"

bool take_path(const char **path, const char *name, const char *value)
{
	if (!*value) {
		log_error("--%s: the path is empty; name a file", name);
		return false;
	}
	/* A forgotten value makes getopt take the next option for it. */
	if (strncmp(value, "--", 2) == 0) {
		log_error("--%s needs a file before %.64s; a file of that name is ./%.64s", name,
			  value, value);
		return false;
	}
	*path = value;
	return true;
}

static bool set_kernel(struct option_values *values, const char *name, const char *value)
{
	return take_path(&values->config.kernel, name, value);
}

static bool set_initrd(struct option_values *values, const char *name, const char *value)
{
	return take_path(&values->config.initrd, name, value);
}

static bool set_control(struct option_values *values, const char *name, const char *value)
{
	return take_path(&values->config.control, name, value);
}

static bool set_dtb_dump(struct option_values *values, const char *name, const char *value)
{
	return take_path(&values->config.dtb_dump, name, value);
}

static bool set_cmdline(struct option_values *values, const char *name, const char *value)
{
	size_t len = strlen(value);

	if (len > BOOT_CMDLINE_MAX) {
		log_error("--%s: %zu bytes, and arm64 Linux takes at most %u; shorten it", name,
			  len, BOOT_CMDLINE_MAX);
		return false;
	}
	values->config.cmdline = value;
	return true;
}

static bool set_cpus(struct option_values *values, const char *name, const char *value)
{
	unsigned long cpus;

	if (!*value || value[strspn(value, "0123456789")]) {
		log_error("--%s \"%.64s\": not a number; give 1 to %u", name, value, VM_MAX_CPUS);
		return false;
	}
	cpus = strtoul(value, NULL, 10); /* ULONG_MAX where it overflows */
	if (cpus < 1 || cpus > VM_MAX_CPUS) {
		log_error("--%s %.64s: out of range; give 1 to %u", name, value, VM_MAX_CPUS);
		return false;
	}
	values->config.cpus = (unsigned int)cpus;
	return true;
}

static bool set_dump_file(struct option_values *values, const char *name, const char *value)
{
	return take_path(&values->config.dump_file, name, value);
}

static bool set_verbose(struct option_values *values, const char *name, const char *value)
{
	(void)name;
	(void)value;
	values->verbose++;
	return true;
}

static bool set_quiet(struct option_values *values, const char *name, const char *value)
{
	(void)name;
	(void)value;
	values->quiet = true;
	return true;
}

static bool set_help(struct option_values *values, const char *name, const char *value)
{
	(void)name;
	(void)value;
	values->help = true;
	return true;
}

static const struct option_desc run_options[] = {
	{
		.name = "kernel",
		.letter = 'k',
		.value = "FILE",
		.set = set_kernel,
		.help = "The kernel: an arm64 Image, as it is, packed with gzip or zstd, or as\n"
			"EFI zboot with one of these. No default: it must be given.",
		.example = "--kernel arch/arm64/boot/Image",
	},
	{
		.name = "initrd",
		.letter = 'i',
		.value = "FILE",
		.set = set_initrd,
		.help = "An initial ramdisk, handed to the kernel as it is; it may be several\n"
			"archives one after another. Default: none.",
		.example = "--initrd rootfs.cpio.gz",
	},
	{
		.name = "cmdline",
		.letter = 'a',
		.value = "TEXT",
		.set = set_cmdline,
		.help = "The kernel's command line, at most 2047 bytes; --append is another name\n"
			"for it. Default: none; Linux then finds its console in the device tree.",
		.example = "--cmdline \"console=ttyAMA0 panic=-1\"",
	},
	{
		.name = "append",
		.value = "TEXT",
		.alias_of = "cmdline",
		.set = set_cmdline,
		.example = "--append console=ttyAMA0",
	},
	{
		.name = "cpus",
		.letter = 'c',
		.value = "N",
		.set = set_cpus,
		.help = "How many vCPUs, 1 to 512 and no more than the host's KVM allows.\n"
			"Default: 1.",
		.example = "--cpus 4",
	},
	{
		.name = "memory",
		.letter = 'm',
		.value = "SIZE[,OPTION]...",
		.set_cut = memory_option_take,
		.help = "How much memory, 32M or more: MiB, or a number with K, M, G or T (powers\n"
			"of 1024). Options:\n"
			"  hugepages=off    pages of the host's usual size; thp: transparent huge\n"
			"                   pages; 2M, 1G: of the host's pool, reserved at once.\n"
			"                   Default: transparent ones where the host gives any\n"
			"  prealloc=on      all of it is taken before the guest starts\n"
			"  pin=on           and pinned for disks on io_uring: fewer instructions\n"
			"  shared=on        a file that others can map. Default: where a device\n"
			"                   of vhost-user must, or pages are of the pool\n"
			"  merge=on         pages like those of other guests are kept once (KSM);\n"
			"                   such memory is not shared\n"
			"  node=N           from NUMA node N of the host alone\n"
			"Default: 512M.",
		.example = "--memory 2G",
	},
	{
		.name = "cpu-feature",
		.value = "NAME=on|off",
		.repeats = true,
		.set = set_cpu_feature,
		.help = "An optional feature of the vCPUs: pmu (performance counters), sve,\n"
			"pauth, mte, steal-time, cache-info (the host's caches are described).\n"
			"May be given once for each. Default: on, where the host has it.",
		.example = "--cpu-feature sve=off --cpu-feature pmu=on",
	},
	{
		.name = "gic",
		.value = "WHICH",
		.set = set_gic,
		.help = "The interrupt controller: 3 (GICv3), 2 (GICv2, for at most 8 vCPUs) or\n"
			"auto. Default: auto, a GICv3 where the host has one for guests, else a\n"
			"GICv2.",
		.example = "--gic 2",
	},
	{
		.name = "its",
		.value = "on|off",
		.set = set_its,
		.help = "The GICv3's interrupt translation service, for message signalled\n"
			"interrupts. Default: on, where the host has it.",
		.example = "--its off",
	},
	{
		.name = "conduit",
		.value = "hvc|smc",
		.set = set_conduit,
		.help = "The instruction by which the guest calls the host: PSCI, and disks with\n"
			"via=hvc. smc wants Linux 6.4 or newer on the host. Default: hvc.",
		.example = "--conduit smc",
	},
	{
		.name = "disk",
		.letter = 'd',
		.value = "PATH[,OPTION]...",
		.set_cut = disk_option_take,
		.repeats = true,
		.help = "A disk: a raw image or a block device, whatever is in it; at most 64,\n"
			"in the guest in the order given. A comma in a path is written twice.\n"
			"Options:\n"
			"  ro               the guest cannot write; others may read it meanwhile\n"
			"  cached, direct   through the host's page cache (default), or past it\n"
			"  discard=unmap    what the guest discards is given back to the host\n"
			"                   (default); discard=off keeps it\n"
			"  serial=TEXT      at most 20 characters, which the guest sees\n"
			"  id=NAME          its name in messages; default disk0, disk1, ...\n"
			"  block-size=N     512 or 4096; default 512, or the device's own\n"
			"  queues=N         request queues; default one a vCPU\n"
			"  via=virtio       or via=hvc, for guests with arcvisor's driver;\n"
			"                   via=both with hvc-file=FILE: the path by virtio, FILE\n"
			"                   by hvc, all else the same, to compare them\n"
			"  mode=auto        or inline (served by the vCPU that asks), thread (by\n"
			"                   one of its own, which polls where via=hvc)\n"
			"  engine=auto      or uring, sync (threads, where io_uring is refused)\n"
			"  bps=N, iops=N    at most so many bytes (such as 100M) or operations\n"
			"                   a second; bps-burst=N, iops-burst=N at once after a\n"
			"                   rest\n"
			"Default: no disk.",
		.example = "--disk root.img --disk data.img,ro,serial=DATA",
	},
	{
		.name = "net",
		.letter = 'n',
		.value = "WHERE[,OPTION]...",
		.set_cut = net_option_take,
		.repeats = true,
		.help = "A network card; at most 8. Where its packets go:\n"
			"  tap=NAME         a tap of the host: its wire is the guest's\n"
			"  tap=auto         a new one, whose name is reported; needs\n"
			"                   CAP_NET_ADMIN\n"
			"  fd=N             a tap that was opened before and handed on\n"
			"  user             the host's own sockets, by passt(1): no privilege\n"
			"Options:\n"
			"  mac=ADDRESS      the guest's; default a random one\n"
			"  queues=N         pairs of queues, each with a thread; default 1, at\n"
			"                   most one a vCPU\n"
			"  mtu=N            the guest is told so; default: it takes 1500\n"
			"  vhost=on|off     of a tap: the host's kernel moves its packets, by\n"
			"                   /dev/vhost-net; default off\n"
			"  tcp=PORTS        of user: ports of the host that are the guest's, as\n"
			"                   passt takes them, such as 8080:80; repeatable\n"
			"  udp=PORTS        the same of UDP\n"
			"Default: no network.",
		.example = "--net tap=tap0,mac=02:00:00:00:00:01",
	},
	{
		.name = "vsock",
		.value = "cid=N,WHERE",
		.set_cut = vsock_option_take,
		.help = "A socket device: streams between programs of the guest, whose CID is\n"
			"N (3 or more), and programs of the host. Where these are:\n"
			"  path=PATH        unix sockets: who connects to PATH writes \"CONNECT\n"
			"                   PORT\", reads \"OK PORT\" and has the guest's port; "
			"who\n"
			"                   in the guest connects to CID 2 has PATH_PORT\n"
			"  vhost=on         the host's AF_VSOCK, by /dev/vhost-vsock\n"
			"Default: none.",
		.example = "--vsock cid=3,path=/run/guest.vsock",
	},
	{
		.name = "rng",
		.value = "on|off[,rate=N]",
		.set_cut = set_rng,
		.help = "A virtio entropy device, which gives random bytes of the host: at most N\n"
			"a second where a rate is given (such as 64K). Default: on, no rate.",
		.example = "--rng rate=1M",
	},
	{
		.name = "fs",
		.value = "tag=TAG,path=DIR",
		.set_cut = fs_option_take,
		.repeats = true,
		.help = "A folder of the host, which the guest mounts by its tag (mount -t\n"
			"virtiofs TAG DIR). virtiofsd(1) serves it, in a sandbox of its own.\n"
			"Options:\n"
			"  ro               the guest cannot write\n"
			"  queues=N         request queues; default 1, at most 16\n"
			"  socket=PATH      in place of path=: a back end of vhost-user that\n"
			"                   listens there\n"
			"Default: none.",
		.example = "--fs tag=home,path=/home/me",
	},
	{
		.name = "vhost-user-blk",
		.value = "socket=PATH",
		.set_cut = vhost_blk_option_take,
		.repeats = true,
		.help = "A disk that another process serves, a back end of vhost-user such as\n"
			"qemu-storage-daemon; queues=N, default 1. Default: none.",
		.example = "--vhost-user-blk socket=/run/disk.sock",
	},
	{
		.name = "pmem",
		.value = "PATH[,OPTION]...",
		.set_cut = pmem_option_take,
		.repeats = true,
		.help = "A raw image as memory that is no RAM, Linux's /dev/pmem0; its pages are\n"
			"the host's page cache, the same in all guests that have it. At most 8.\n"
			"Options:\n"
			"  ro               the guest cannot write (default)\n"
			"  rw               it can, alone; a file of a multiple of 2 MiB\n"
			"  id=NAME          default pmem0, pmem1, ...\n"
			"Default: none.",
		.example = "--pmem root.squashfs,ro",
	},
	{
		.name = "balloon",
		.value = "OPTION[,OPTION]...",
		.set_cut = balloon_option_take,
		.help = "A memory balloon: memory that the guest gives back to the host.\n"
			"  on               one that is empty at first (arcvisor ctl: balloon)\n"
			"  size=SIZE        the guest is to give back so much, as of --memory\n"
			"  deflate-on-oom=on\n"
			"                   it may take it again before it runs out of memory\n"
			"  free-page-reporting=on\n"
			"                   it gives back what it does not use, by itself\n"
			"Default: none.",
		.example = "--balloon free-page-reporting=on,deflate-on-oom=on",
	},
	{
		.name = "console",
		.value = "WHERE",
		.set = set_console,
		.help = "The serial port's other end: stdio, pty (a new pseudo terminal, whose\n"
			"name is reported), socket=PATH (a unix socket that one at a time may\n"
			"connect to), none, or a file for output (emptied first; no input).\n"
			"Default: stdio.",
		.example = "--console boot.log",
	},
	{
		.name = "virtio-console",
		.value = "WHERE",
		.set = set_virtio_console,
		.help = "A virtio console, the guest's hvc0, whose size is the terminal's; WHERE\n"
			"as of --console, which is to be elsewhere. Default: none.",
		.example = "--virtio-console stdio --console boot.log",
	},
	{
		.name = "port",
		.value = "name=NAME,WHERE",
		.repeats = true,
		.set_cut = set_port,
		.help = "A named port of a virtio console: /dev/virtio-ports/NAME in the guest;\n"
			"at most 30. Its other end is socket=PATH, file=PATH or pty. Default:\n"
			"none.",
		.example = "--port name=org.qemu.guest_agent.0,socket=agent.sock",
	},
	{
		.name = "on-reset",
		.value = "WHAT",
		.set = set_on_reset,
		.help = "When the guest asks for a reset: reboot the machine, or exit with\n"
			"status 3. Default: reboot.",
		.example = "--on-reset exit",
	},
	{
		.name = "watchdog",
		.value = "WHAT",
		.set = set_watchdog,
		.help = "A watchdog, and what happens when the guest has started it and does not\n"
			"refresh it in time: reset, exit with status 6, or pause. Default: off,\n"
			"there is none.",
		.example = "--watchdog reset",
	},
	{
		.name = "control",
		.value = "PATH",
		.set = set_control,
		.help = "Make a socket there, by which arcvisor ctl and stop reach the guest;\n"
			"only its owner may. Default: none.",
		.example = "--control /run/user/1000/guest.sock",
	},
	{
		.name = "stop-timeout",
		.value = "SECONDS",
		.set = set_stop_timeout,
		.help = "How long a guest has to power off once it is asked to, by SIGTERM or\n"
			"arcvisor stop, before it is ended; 0 to 86400. Default: 30.",
		.example = "--stop-timeout 120",
	},
	{
		.name = "on-crash",
		.value = "WHAT",
		.set = set_on_crash,
		.help = "When a vCPU cannot go on, after a report: exit with status 4, pause\n"
			"and keep the guest until it is ended, or dump its memory and registers\n"
			"to a file that gdb opens, then exit. Default: exit.",
		.example = "--on-crash dump",
	},
	{
		.name = "dump-file",
		.value = "FILE",
		.set = set_dump_file,
		.help = "Where --on-crash dump writes; it may become as large as the guest's\n"
			"memory. Default: arcvisor.PID.core, in the working directory.",
		.example = "--on-crash dump --dump-file /var/crash/guest.core",
	},
	{
		.name = "dtb-dump",
		.value = "FILE",
		.set = set_dtb_dump,
		.help = "Write the guest's device tree to a file. Default: not written.",
		.example = "--dtb-dump guest.dtb    (read it with: dtc -I dtb guest.dtb)",
	},
	{
		.name = "verbose",
		.letter = 'v',
		.set = set_verbose,
		.help = "Say more on standard error; twice, all there is. Default: warnings,\n"
			"errors.",
		.example = "-vv",
	},
	{
		.name = "quiet",
		.letter = 'q',
		.set = set_quiet,
		.help = "Say nothing but errors on standard error. Not with --verbose.",
		.example = "-q",
	},
	{
		.name = "help",
		.letter = 'h',
		.set = set_help,
		.help = "Print this text.",
		.example = "arcvisor run --help",
	},
};

/* For what the command reads itself. */
static bool set_nothing(struct option_values *values, const char *name, const char *value)
{
	(void)values;
	(void)name;
	(void)value;
	return true;
}

static const struct option_desc ctl_options[] = {
	{
		.name = "json",
		.set = set_nothing,
		.help = "Print the answer as it came, one line of JSON.",
		.example = "arcvisor ctl --json guest.sock status",
	},
	{
		.name = "help",
		.letter = 'h',
		.set = set_help,
		.help = "Print this text.",
		.example = "arcvisor ctl --help",
	},
};

static const struct option_desc stop_options[] = {
	{
		.name = "help",
		.letter = 'h',
		.set = set_help,
		.help = "Print this text.",
		.example = "arcvisor stop --help",
	},
};

static const struct option_desc doctor_options[] = {
	{
		.name = "help",
		.letter = 'h',
		.set = set_help,
		.help = "Print this text.",
		.example = "arcvisor doctor --help",
	},
};

static const char run_notes[] =
	"Keys, where standard input is a terminal:\n"
	"  Ctrl-A x         end the guest\n"
	"  Ctrl-A h         list these keys\n"
	"  Ctrl-A Ctrl-A    send one Ctrl-A to the guest\n"
	"\n"
	"Signals: SIGTERM presses the guest's power button and waits (--stop-timeout); a\n"
	"second one ends the guest at once. So do SIGINT and SIGHUP; Ctrl-C in a terminal\n"
	"is the guest's. What was ignored when arcvisor was started, as by nohup, stays\n"
	"ignored.\n"
	"\n"
	"Exit status:\n"
	"  0  the guest powered off, or was ended by Ctrl-A x or a second signal\n"
	"  1  arcvisor or its host failed\n"
	"  2  bad usage, or a machine that this host cannot have\n"
	"  3  the guest asked for a reset, with --on-reset exit\n"
	"  4  a vCPU could not go on\n"
	"  5  the guest was asked to power off, did not, and was ended\n"
	"  6  the guest's watchdog expired, with --watchdog exit\n"
	"\n"
	"A whole example, a guest with two vCPUs and 1 GiB, on this terminal:\n"
	"  arcvisor run --kernel Image --initrd rootfs.cpio.gz \\\n"
	"      --cmdline \"console=ttyAMA0 panic=-1\" --cpus 2 --memory 1G\n";

static const char doctor_notes[] =
	"Each line says ok, limited or missing; below what is not ok stands what it costs\n"
	"and what to do about it. The last line says if guests can run here.\n"
	"\n"
	"Exit status:\n"
	"  0  guests can run here\n"
	"  1  they cannot\n"
	"  2  bad usage\n";

static const char ctl_notes[] =
	"PATH is what --control of arcvisor run was. Commands (docs/control.md):\n"
	"  status         what the machine is and does\n"
	"  pause, resume  stop every vCPU and the guest's clock; let them go on\n"
	"  power-button   press it; what comes of it is the guest's\n"
	"  stop           press it, and end the guest if it is not off in --stop-timeout\n"
	"  reset          reset the guest, as by its own request\n"
	"  quit           end the guest at once\n"
	"  registers      of all vCPUs, or of one: vcpu=N\n"
	"  exits          how often vCPUs left the guest, by kind\n"
	"  balloon        size=SIZE: ask the guest for so much memory, such as 512M\n"
	"  resize         of disk=ID: its file has another size now; tell the guest\n"
	"\n"
	"Exit status:\n"
	"  0  done\n"
	"  1  nobody answers, or the request was refused\n"
	"  2  bad usage\n"
	"\n"
	"  arcvisor ctl guest.sock registers vcpu=0\n";

static const char stop_notes[] =
	"Presses the guest's power button and waits until the machine has ended; says\n"
	"how. A guest that does not power off within its --stop-timeout is ended.\n"
	"\n"
	"Exit status:\n"
	"  0  the guest powered off\n"
	"  1  nobody answers, or the guest was ended\n"
	"  2  bad usage\n";

const struct command_desc commands[NR_COMMANDS] = {
	{
		.name = "run",
		.command = COMMAND_RUN,
		.summary = "Boot a Linux guest and run it until it ends.",
		.usage = "--kernel FILE [OPTION]...",
		.notes = run_notes,
		.options = run_options,
		.nr_options = ARRAY_SIZE(run_options),
	},
	{
		.name = "doctor",
		.command = COMMAND_DOCTOR,
		.summary = "Report what this host offers, and what each missing thing costs.",
		.usage = "",
		.notes = doctor_notes,
		.options = doctor_options,
		.nr_options = ARRAY_SIZE(doctor_options),
	},
	{
		.name = "ctl",
		.command = COMMAND_CTL,
		.summary = "Ask a guest's control socket for something.",
		.usage = "[--json] PATH COMMAND [NAME=VALUE]...",
		.notes = ctl_notes,
		.options = ctl_options,
		.nr_options = ARRAY_SIZE(ctl_options),
		.takes_words = true,
	},
	{
		.name = "stop",
		.command = COMMAND_STOP,
		.summary = "Ask a guest to power off, and wait for it.",
		.usage = "PATH",
		.notes = stop_notes,
		.options = stop_options,
		.nr_options = ARRAY_SIZE(stop_options),
		.takes_words = true,
	},
};

const struct command_desc *command_find(const char *name)
{
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
