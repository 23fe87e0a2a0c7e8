/* SPDX-License-Identifier: Apache-2.0 */
/* The smaller devices in an unmodified Debian kernel, by its own drivers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"
#include "peers.h"
#include "shell.h"

#define PORT_BYTES 50000u

/* This kernel has virtio_mmio as a module, so that the shell of the serial port is there first. */
#define TERMINAL_CMDLINE                      \
	"console=ttyAMA0 quiet " LINUX_FASTER \
	" arcvisor.run=\"PS1='guest# ' setsid sh -i </dev/hvc0 >/dev/hvc0 2>&1 &\""

static char socket_path[32]; /* a test's own: two may run at once */
static char port_path[32], quiet_path[32];

static void init(void)
{
	snprintf(socket_path, sizeof(socket_path), "/tmp/devices.%d", (int)getpid());
}

TestSuite(devices, .init = init);

static unsigned long long counter(const char *name)
{
	return machine_counter(socket_path, name);
}

/* ---- entropy --------------------------------------------------------------------------------- */

/* What comes differs from what came before, and is what was asked for; some of it had to wait. */
static void check_rng(struct machine *machine)
{
	shell(machine, "cat /sys/class/misc/hw_random/rng_current", "virtio_rng.0");
	shell(machine,
	      "for i in a b; do head -c 4000 /dev/hwrng >/tmp/$i; done; "
	      "[ $(wc -c </tmp/a) = 4000 ] && ! cmp -s /tmp/a /tmp/b && echo the-'bytes' differ",
	      "the-bytes differ");
	cr_expect_geq(counter("bytes "), 8000);
	cr_expect_gt(counter("held "), 0);
	/* Linux makes this where the firmware has true random numbers. */
	shell(machine, "ls /sys/bus/platform/devices | grep smccc_'trng'", "smccc_trng");
}

/* ---- console --------------------------------------------------------------------------------- */

static void resize(struct machine *machine, unsigned short cols, unsigned short rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };

	cr_assert_eq(ioctl(machine->in, TIOCSWINSZ, &size), 0);
}

/* The shell's terminal is hvc0, and as large as ours, also when ours changes. */
static void check_terminal(struct machine *machine)
{
	shell(machine, "tty", "/dev/hvc0");
	resize(machine, 132, 50);
	shell(machine, "until [ \"$(stty size)\" = '50 132' ]; do :; done; echo size-'one'",
	      "size-one");
	resize(machine, 80, 24);
	shell(machine, "until [ \"$(stty size)\" = '24 80' ]; do :; done; echo size-'two'",
	      "size-two");
}

/* What goes into a port that echoes comes back, all of it; the other port is not in its way. */
static void check_ports(struct machine *machine)
{
	static char sent[PORT_BYTES], got[PORT_BYTES];
	int fd = peers_dial(port_path), quiet = peers_dial(quiet_path);
	size_t have = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i % 251);
	shell(machine,
	      "port() { for n in /sys/class/virtio-ports/*/name; do [ $(cat $n) = $1 ] && "
	      "basename ${n%/name}; done; }; exec 3<>/dev/$(port test.echo) 4<>/dev/$(port quiet); "
	      "head -c 300000 /dev/zero >&4 & cat <&3 >&3 & echo ports-'open'",
	      "ports-open");
	cr_assert_eq(send(fd, sent, sizeof(sent), 0), (ssize_t)sizeof(sent));
	while (have < sizeof(got) && (n = recv(fd, got + have, sizeof(got) - have, 0)) > 0)
		have += (size_t)n;
	cr_expect_eq(have, sizeof(got));
	cr_expect_arr_eq(got, sent, sizeof(got));
	close(fd);
	close(quiet);
}

/* All in one guest: a boot is what takes time. */
Test(devices, entropy_and_consoles)
{
	char echo[64], quiet[64];
	struct machine machine;

	snprintf(port_path, sizeof(port_path), "/tmp/port.%d", (int)getpid());
	snprintf(quiet_path, sizeof(quiet_path), "/tmp/quiet.%d", (int)getpid());
	snprintf(echo, sizeof(echo), "name=test.echo,socket=%s", port_path);
	snprintf(quiet, sizeof(quiet), "name=quiet,socket=%s", quiet_path);
	machine_start_tty(&machine,
			  MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD,
				       "--cmdline", TERMINAL_CMDLINE, "--console", "none",
				       "--virtio-console", "stdio", "--port", echo, "--port", quiet,
				       "--control", socket_path, "--rng", "rate=2K"));
	shell_ready(&machine);
	check_rng(&machine);
	check_terminal(&machine);
	check_ports(&machine);
	shell_off(&machine);
	machine_fini(&machine);
}

/* ---- watchdog -------------------------------------------------------------------------------- */

/* Opened, and never refreshed: the next prompt is another boot's. */
Test(devices, a_watchdog_that_is_left_alone_resets)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD,
				   "--cmdline",
				   "console=ttyAMA0 quiet sbsa_gwdt.timeout=4 " LINUX_FASTER,
				   "--control", socket_path, "--watchdog", "reset"));
	shell_ready(&machine);
	shell(&machine, "cat /sys/class/watchdog/watchdog0/identity", "SBSA Generic Watchdog");
	cr_expect_eq(counter("resets "), 0);
	shell(&machine, "exec 5>/dev/watchdog; cat /sys/class/watchdog/watchdog0/state",
	      "\r\nactive");
	cr_assert(machine_expect(&machine, PROMPT), "%s\n%s", machine.text, machine.errors);
	cr_expect_eq(counter("resets "), 1);
	cr_expect(strstr(machine.errors, "the guest's watchdog expired: it is reset\n"), "%s",
		  machine.errors);
	shell_off(&machine);
	machine_fini(&machine);
}
