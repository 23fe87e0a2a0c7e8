/* SPDX-License-Identifier: Apache-2.0 */
/* The console on pipes, files and nothing at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/ring.h"
#include "rig.h"

TestSuite(console, .init = rig_init, .fini = rig_fini, .timeout = 60);

static void open_pipes(void)
{
	rig_use_pipes();
	rig_open(CONSOLE_STDIO, NULL);
}

static void destroy(void)
{
	console_destroy(rig.console);
	rig.console = NULL;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

Test(console, output_arrives)
{
	open_pipes();
	rig_say("hello\n");
	rig_expect_output("hello\n");
}

/* Each byte after a pause: the loop must be woken anew, however it went to sleep. */
Test(console, a_byte_after_a_pause_arrives)
{
	open_pipes();
	for (int i = 0; i < 50; i++) {
		rig_say("x");
		rig_expect_output("x");
		poll(NULL, 0, i % 3);
		rig_run_ready();
	}
}

Test(console, writing_nothing_keeps_output_working)
{
	open_pipes();
	cr_expect_eq(console_write(rig.console, (const uint8_t *)"", 0), 0);
	rig_run_ready();
	rig_say("x");
	rig_expect_output("x");
}

Test(console, input_arrives)
{
	open_pipes();
	rig_type("typed\1x");
	rig_expect_input("typed\1x");
	cr_expect_eq(rig.quits, 0, "a pipe has no escapes");
}

Test(console, the_end_of_input_leaves_output_working)
{
	open_pipes();
	rig_type("last");
	close(rig.type);
	rig_expect_input("last");
	rig_say("still here");
	rig_expect_output("still here");
}

Test(console, input_from_a_file_arrives_whole)
{
	rig_use_pipes();
	rig_use_input_file("from a file");
	rig_open(CONSOLE_STDIO, NULL);
	rig_expect_input("from a file");
	rig_say("out");
	rig_expect_output("out");
}

Test(console, null_devices_are_fine)
{
	int fd = open("/dev/null", O_RDWR);

	cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	rig_open(CONSOLE_STDIO, NULL);
	for (int i = 0; i < 3; i++) {
		rig_say("nobody reads this");
		rig_run_ready();
	}
	cr_expect_eq(rig.got_len, 0);
}

Test(console, closed_descriptors_are_fine)
{
	char *log;

	rig_log_start();
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	rig_open(CONSOLE_STDIO, NULL);
	rig_say("nobody reads this");
	rig_run_ready();
	log = rig_log_stop();
	cr_expect_eq(rig.got_len, 0);
	cr_expect_str_empty(log, "what took their numbers is no console");
	free(log);
}

static bool is_drained(void)
{
	return rig.drained > 0;
}

/* Reads @count bytes that rig_fill() wrote, and looks at each. */
static void expect_filling(size_t count)
{
	for (size_t at = 0; at < count;) {
		uint8_t buf[4096];
		size_t want = count - at < sizeof(buf) ? count - at : sizeof(buf);
		struct pollfd pollfd = { .fd = rig.shown, .events = POLLIN };
		ssize_t n;

		if (poll(&pollfd, 1, 0) != 1) {
			rig_run_ready();
			continue;
		}
		n = read(rig.shown, buf, want);
		cr_assert_gt(n, 0);
		for (ssize_t i = 0; i < n; i++, at++)
			cr_assert_eq(buf[i], at % 251, "byte %zu", at);
	}
}

Test(console, a_slow_reader_gets_every_byte)
{
	size_t total;

	open_pipes();
	total = rig_fill();
	cr_expect_eq(total, RING_SIZE);
	rig_run_until(is_drained);
	expect_filling(total);
}

Test(console, a_full_ring_is_told_when_it_has_room)
{
	size_t total;

	open_pipes();
	cr_assert_gt(fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096), 0);
	total = rig_fill();
	rig_run_until(is_drained);
	rig.drained = 0;
	while (rig_fill())
		rig_run_ready();
	rig_run_ready();
	cr_expect_eq(rig.drained, 0, "the pipe is full too");
	expect_filling(4096);
	rig_run_until(is_drained);
	cr_expect_geq(total, RING_SIZE);
}

Test(console, a_ring_that_was_never_full_tells_nothing)
{
	open_pipes();
	rig_say("some");
	rig_expect_output("some");
	cr_expect_eq(rig.drained, 0);
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	while ((text = strstr(text, word))) {
		count++;
		text++;
	}
	return count;
}

Test(console, a_reader_that_is_gone_is_said_once)
{
	char *log;

	open_pipes();
	close(rig.shown);
	rig_log_start();
	for (int i = 0; i < 5; i++) {
		rig_say("dropped");
		poll(NULL, 0, 2);
		rig_run_ready();
	}
	log = rig_log_stop();
	cr_expect_eq(count_of(log, "output is lost"), 1, "%s", log);
	free(log);
	rig_type("input goes on");
	rig_expect_input("input goes on");
}

static uint8_t filler[RING_SIZE];

/* More than the ring holds: with nobody to read, none of it may wait. */
Test(console, without_a_reader_a_guest_never_waits)
{
	char *log;

	open_pipes();
	close(rig.shown);
	rig_log_start();
	rig_say("x");
	rig_run_ready();
	for (int i = 0; i < 3; i++)
		cr_expect_eq(console_write(rig.console, filler, sizeof(filler)), sizeof(filler));
	log = rig_log_stop();
	free(log);
}

Test(console, a_full_ring_whose_reader_leaves_has_room)
{
	char *log;

	open_pipes();
	rig_log_start();
	while (rig_fill())
		rig_run_ready();
	rig.drained = 0;
	close(rig.shown);
	rig_run_until(is_drained);
	log = rig_log_stop();
	cr_expect_eq(count_of(log, "output is lost"), 1, "%s", log);
	free(log);
}

Test(console, a_sink_that_takes_a_byte_a_time_gets_all_in_order)
{
	char text[1025];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 23);
	text[sizeof(text) - 1] = '\0';
	rig.room = 1;
	open_pipes();
	rig_type(text);
	while (rig.got_len < strlen(text)) {
		console_input_ready(rig.console);
		rig_run_ready();
	}
	rig_expect_input(text);
}

Test(console, a_sink_without_room_is_left_alone)
{
	rig.room = 0;
	open_pipes();
	rig_type("later");
	close(rig.type); /* hung up, which epoll never stops to say */
	rig_run_ready();
	cr_expect_eq(rig.got_len, 0);
	rig.room = SIZE_MAX;
	rig_run_ready();
	cr_expect_eq(rig.got_len, 0, "nobody said that there is room");
	console_input_ready(rig.console);
	rig_expect_input("later");
}

Test(console, a_file_waits_for_a_sink_without_room)
{
	rig_use_pipes();
	rig_use_input_file("later");
	rig.room = 2;
	rig_open(CONSOLE_STDIO, NULL);
	rig_run_ready();
	cr_expect_eq(rig.got_len, 2);
	rig.room = SIZE_MAX;
	console_input_ready(rig.console);
	rig_expect_input("later");
}

Test(console, what_is_typed_between_two_guests_waits_for_the_second)
{
	open_pipes();
	rig_type("one ");
	rig_expect_input("one ");
	console_attach(rig.console, NULL);
	rig_type("two");
	rig_run_ready();
	cr_expect_eq(rig.got_len, 4);
	rig_attach();
	rig_expect_input("one two");
}

Test(console, output_goes_on_between_two_guests)
{
	open_pipes();
	while (rig_fill())
		rig_run_ready();
	console_attach(rig.console, NULL);
	rig.drained = 0;
	expect_filling(RING_SIZE);
	cr_expect_eq(rig.drained, 0);
}

Test(console, output_before_the_end_arrives)
{
	char buf[8] = { 0 };

	open_pipes();
	rig_say("bye");
	destroy();
	cr_expect_eq(read(rig.shown, buf, sizeof(buf)), 3);
	cr_expect_str_eq(buf, "bye");
}

Test(console, a_reader_that_never_reads_does_not_keep_the_end)
{
	open_pipes();
	while (rig_fill())
		rig_run_ready();
	destroy();
	expect_filling(4096);
}

Test(console, a_reader_that_left_does_not_keep_the_end)
{
	char *log;

	open_pipes();
	rig_say("nobody reads this");
	close(rig.shown);
	rig_log_start();
	destroy();
	log = rig_log_stop();
	cr_expect_eq(count_of(log, "output is lost"), 1, "%s", log);
	free(log);
}

Test(console, standard_descriptors_stay_blocking)
{
	int in, out;

	open_pipes();
	in = fcntl(STDIN_FILENO, F_GETFL);
	out = fcntl(STDOUT_FILENO, F_GETFL);
	rig_say("x");
	rig_expect_output("x");
	cr_expect_not(in & O_NONBLOCK);
	cr_expect_not(out & O_NONBLOCK);
	destroy();
	cr_expect_eq(fcntl(STDIN_FILENO, F_GETFL), in);
	cr_expect_eq(fcntl(STDOUT_FILENO, F_GETFL), out);
}

Test(console, none_drops_output)
{
	rig_open(CONSOLE_NONE, NULL);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(console_write(rig.console, filler, sizeof(filler)), sizeof(filler));
	rig_run_ready();
	cr_expect_eq(rig.got_len, 0);
}

Test(console, a_file_gets_the_output)
{
	char path[] = "/tmp/arcvisor-console-XXXXXX", buf[32] = { 0 };
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, "what was there before", 21), 21);
	rig_open(CONSOLE_FILE, path);
	rig_say("to a file\n");
	destroy();
	cr_expect_eq(pread(fd, buf, sizeof(buf), 0), 10);
	cr_expect_str_eq(buf, "to a file\n");
	close(fd);
	unlink(path);
}

Test(console, a_file_that_cannot_be_written_is_named)
{
	const struct console_config config = { CONSOLE_FILE, "/no-such-folder/out" };
	int before = open_descriptors();
	char *log;

	rig_log_start();
	cr_expect_eq(console_create(rig.loop, &config, NULL, NULL, &rig.console), -ENOENT);
	log = rig_log_stop();
	cr_expect(strstr(log, "/no-such-folder/out"), "%s", log);
	cr_expect_eq(open_descriptors(), before);
	free(log);
}

Test(console, its_end_leaves_no_descriptor)
{
	int before;

	rig_use_pipes();
	before = open_descriptors();
	rig_open(CONSOLE_STDIO, NULL);
	destroy();
	cr_expect_eq(open_descriptors(), before);
	cr_expect(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

Test(console, destroying_nothing_is_fine)
{
	console_destroy(NULL);
}
