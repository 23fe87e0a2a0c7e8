/* SPDX-License-Identifier: Apache-2.0 */
/* From pipes, sockets, files to the guest, as fast as it takes it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define MUCH 60000u /* a pipe holds it, the console does not */

static struct rig rig;
static uint8_t typed[MUCH];

static void setup(void)
{
	rig_pattern(typed, sizeof(typed));
}

TestSuite(input, .init = setup);

/* Starts with a port that has no room yet, and a pipe for output, whose reader it returns. */
static int start(int in)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(in, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig.room = 0;
	rig_run(&rig);
	return fds[0];
}

static void expect_passes(int in)
{
	start(in);
	for (size_t room = 0; room < MUCH; room += 1000) {
		rig_allow(&rig, 1000);
		rig_wait_input(&rig, room + 1000);
	}
	cr_expect_eq(rig.taken, MUCH);
	cr_expect_arr_eq(rig.input, typed, MUCH);
}

/* A guest goes on without input: what it sends comes out. */
static void expect_goes_on(int out)
{
	char text[4];

	rig_send(&rig, "more", 4);
	cr_expect_eq(rig_read(out, text, 4), 4);
	cr_expect_arr_eq(text, "more", 4);
}

Test(input, a_pipe_gives_every_byte_in_order_as_there_is_room)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], typed, MUCH), MUCH);
	expect_passes(fds[0]);
	rig_fini(&rig);
}

Test(input, a_socket_gives_every_byte_in_order_as_there_is_room)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_assert_eq(write(fds[1], typed, MUCH), MUCH);
	expect_passes(fds[0]);
	rig_fini(&rig);
}

Test(input, a_file_gives_every_byte_in_order_as_there_is_room)
{
	char name[] = "/tmp/arcvisor-console-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	cr_assert_eq(write(fd, typed, MUCH), MUCH);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	expect_passes(fd);
	rig_fini(&rig);
}

/* A port that takes all it is offered, of a file longer than one read. */
Test(input, a_file_is_read_to_its_end)
{
	char name[] = "/tmp/arcvisor-console-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	cr_assert_eq(write(fd, typed, MUCH), MUCH);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	start(fd);
	rig_allow(&rig, RIG_INPUT_MAX);
	rig_wait_input(&rig, MUCH);
	cr_expect_arr_eq(rig.input, typed, MUCH);
	rig_fini(&rig);
}

Test(input, the_guest_goes_on_after_the_end_of_a_pipe)
{
	int fds[2], out;

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], "last", 4), 4);
	close(fds[1]);
	out = start(fds[0]);
	rig_allow(&rig, 100);
	rig_wait_input(&rig, 4);
	expect_goes_on(out);
	cr_expect_eq(rig.taken, 4);
	rig_fini(&rig);
}

Test(input, the_guest_goes_on_with_no_input_at_all)
{
	int out = start(open("/dev/null", O_RDONLY | O_CLOEXEC));

	rig_allow(&rig, 100);
	expect_goes_on(out);
	rig_fini(&rig);
}

/* A directory is no input, and says so only when it is read. */
Test(input, the_guest_goes_on_when_reading_fails)
{
	int out = start(open("/tmp", O_RDONLY | O_CLOEXEC));

	rig_allow(&rig, 100);
	expect_goes_on(out);
	rig_fini(&rig);
}

Test(input, what_comes_before_a_port_is_kept_for_it)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(fds[0], open("/dev/null", O_WRONLY | O_CLOEXEC));
	rig_init(&rig, CONSOLE_STDIO, NULL);
	console_attach(rig.console, NULL);
	cr_assert_eq(write(fds[1], "early", 5), 5);
	rig_run(&rig);
	rig_wait_read(fds[0]);
	rig_halt(&rig);
	rig_attach(&rig);
	rig_run(&rig);
	rig_wait_input(&rig, 5);
	cr_expect_arr_eq(rig.input, "early", 5);
	rig_fini(&rig);
}

/* On a pipe nothing is an escape. */
Test(input, a_pipe_passes_ctrl_a)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	start(fds[0]);
	rig_allow(&rig, 100);
	cr_assert_eq(write(fds[1], "a\1xb", 4), 4);
	rig_wait_input(&rig, 4);
	cr_expect_arr_eq(rig.input, "a\1xb", 4);
	cr_expect_eq(rig.quits, 0);
	rig_fini(&rig);
}

/* Room that is said to be there without need must not be taken for lost input. */
Test(input, room_may_be_told_at_any_time)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	start(fds[0]);
	for (unsigned int i = 0; i < 100; i++) {
		rig_allow(&rig, 1);
		console_input_ready(rig.console);
		cr_assert_eq(write(fds[1], &typed[i], 1), 1);
		rig_wait_input(&rig, i + 1);
	}
	cr_expect_arr_eq(rig.input, typed, 100);
	rig_fini(&rig);
}
