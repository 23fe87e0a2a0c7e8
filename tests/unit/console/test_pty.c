/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo terminal of our own, with somebody on it and with nobody. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console/console_internal.h"
#include "rig.h"

static struct rig rig;

/* Begins, and opens the terminal by the name that was said. */
static int start(void)
{
	char name[64];
	int fd;

	rig_keep_errors();
	rig_init(&rig, CONSOLE_PTY, NULL);
	cr_assert_eq(sscanf(rig_errors(), "arcvisor: console: %63s\n", name), 1, "%s",
		     rig_errors());
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", name);
	return fd;
}

Test(pty, passes_bytes_both_ways_as_they_are)
{
	static const uint8_t text[] = "a\r\n\x01x\x03\x04\x7f\xff";
	uint8_t got[sizeof(text)];
	int fd = start();

	rig_run(&rig);
	rig_send(&rig, text, sizeof(text));
	cr_expect_eq(rig_read(fd, got, sizeof(got)), sizeof(got));
	cr_expect_arr_eq(got, text, sizeof(text));
	cr_assert_eq(write(fd, text, sizeof(text)), sizeof(text));
	rig_wait_input(&rig, sizeof(text));
	cr_expect_arr_eq(rig.input, text, sizeof(text));
	cr_expect_eq(rig.quits, 0);
	rig_fini(&rig);
}

Test(pty, may_be_left_and_opened_again)
{
	int fd = start();
	char *name = ttyname(fd);
	char byte;

	rig_run(&rig);
	cr_assert_eq(write(fd, "1", 1), 1);
	rig_wait_input(&rig, 1);
	close(fd);
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "2", 1), 1);
	rig_wait_input(&rig, 2);
	cr_expect_arr_eq(rig.input, "12", 2);
	rig_send(&rig, "3", 1);
	cr_expect_eq(rig_read(fd, &byte, 1), 1);
	cr_expect_eq(byte, '3');
	rig_fini(&rig);
}

/* The guest never waits, and who comes late finds the last that was said, not the first. */
Test(pty, nobody_on_it_loses_the_oldest_output)
{
	static char got[1 << 20];
	size_t len = 0;
	char line[32];
	int fd = start();

	rig_run(&rig);
	for (unsigned int i = 0; i < 100000; i++) {
		int n = snprintf(line, sizeof(line), "line %u\n", i);

		cr_assert_eq(console_write(rig.console, (uint8_t *)line, (size_t)n), (size_t)n);
	}
	while (!memmem(got, len, "line 99999\n", 11)) {
		ssize_t n = read(fd, got + len, sizeof(got) - len);

		cr_assert_gt(n, 0);
		len += (size_t)n;
	}
	cr_expect(memmem(got, len, "line 99998\n", 11));
	cr_expect_gt(len, CONSOLE_OUTPUT_SIZE);
	cr_expect_lt(len, 1000000);
	rig_fini(&rig);
}
