/* SPDX-License-Identifier: Apache-2.0 */
/* The smaller devices in an unmodified Debian kernel, by its own drivers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "shell.h"

static char socket_path[32]; /* a test's own: two may run at once */

static void init(void)
{
	snprintf(socket_path, sizeof(socket_path), "/tmp/devices.%d", (int)getpid());
}

TestSuite(devices, .init = init);

/* What `ctl status` says behind @name. */
static unsigned long long counter(const char *name)
{
	unsigned long long value;
	struct machine client;
	const char *at;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", socket_path, "status")), 0);
	at = strstr(client.text, name);
	cr_assert(at, "no %s in: %s", name, client.text);
	value = strtoull(at + strlen(name), NULL, 10);
	machine_fini(&client);
	return value;
}

/* ---- entropy --------------------------------------------------------------------------------- */

/* What comes differs from what came before, and is what was asked for; some of it had to wait. */
static void check_rng(struct machine *machine)
{
	shell(machine, "cat /sys/class/misc/hw_random/rng_current", "virtio_rng.0");
	shell(machine,
	      "for i in a b; do head -c 4000 /dev/hwrng >/tmp/$i; done; wc -c </tmp/a; "
	      "cmp -s /tmp/a /tmp/b || echo the-'bytes' differ",
	      "4000\r\nthe-bytes differ");
	cr_expect_geq(counter("bytes "), 8000);
	cr_expect_gt(counter("held "), 0);
	/* Linux makes this where the firmware has true random numbers. */
	shell(machine, "ls /sys/bus/platform/devices | grep smccc_'trng'", "smccc_trng");
}

Test(devices, entropy)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD,
					     "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER,
					     "--control", socket_path, "--rng", "rate=2K"));
	shell_ready(&machine);
	check_rng(&machine);
	shell_off(&machine);
	cr_expect_str_empty(machine.errors);
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
