/* SPDX-License-Identifier: Apache-2.0 */
/* From the guest to pipes, sockets, files, and to nobody. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/console_internal.h"
#include "rig.h"

#define MUCH 300000u /* several rings full */

static struct rig rig;
static uint8_t sent[MUCH], got[MUCH];
static int null;

static void setup(void)
{
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	cr_assert_geq(null, 0);
	rig_pattern(sent, sizeof(sent));
}

TestSuite(output, .init = setup);

struct reader {
	pthread_t thread;
	int fd;
	size_t want, got;
};

static void *read_all(void *ctx)
{
	struct reader *reader = ctx;

	reader->got = rig_read(reader->fd, got, reader->want);
	return NULL;
}

/* What a guest sends through standard output @out comes out of @fd, all of it and in order. */
static void expect_passes(int out, int fd)
{
	struct reader reader = { .fd = fd, .want = MUCH };

	rig_stdio(null, out);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	cr_assert_eq(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
	rig_send(&rig, sent, sizeof(sent));
	pthread_join(reader.thread, NULL);
	cr_expect_eq(reader.got, MUCH);
	cr_expect_arr_eq(got, sent, MUCH);
	rig_fini(&rig);
}

Test(output, a_pipe_gets_every_byte_in_order)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	expect_passes(fds[1], fds[0]);
}

Test(output, a_socket_gets_every_byte_in_order)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	expect_passes(fds[1], fds[0]);
}

Test(output, a_terminal_gets_every_byte_in_order)
{
	int master, slave;
	struct termios mode;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &mode), 0);
	expect_passes(slave, master);
}

/* The master of a terminal that another program emulates: opened anew it would be another one. */
Test(output, a_terminal_master_gets_every_byte_in_order)
{
	int master, slave;
	struct termios mode;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &mode), 0);
	expect_passes(master, slave);
}

/* As `(echo before; arcvisor run) >file` has it. */
Test(output, a_file_is_written_on_where_it_was)
{
	char name[] = "/tmp/arcvisor-console-XXXXXX";
	int fd = mkstemp(name);

	cr_assert_eq(write(fd, "before ", 7), 7);
	rig_stdio(null, fd);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	rig_send(&rig, sent, sizeof(sent));
	rig_fini(&rig);
	cr_assert_eq(write(STDOUT_FILENO, " after", 6), 6);
	cr_expect_eq(lseek(fd, 0, SEEK_CUR), 7 + MUCH + 6);
	cr_expect_eq(pread(fd, got, MUCH, 7), MUCH);
	cr_expect_arr_eq(got, sent, MUCH);
	unlink(name);
}

/* O_NONBLOCK would be the shell's too. */
Test(output, standard_output_keeps_its_flags)
{
	int fds[2], master, slave;

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	rig_stdio(fds[0], slave);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	rig_send(&rig, "x", 1);
	cr_expect_eq(rig_read(master, got, 1), 1);
	cr_expect_eq(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	cr_expect_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	rig_fini(&rig);
}

Test(output, a_full_ring_refuses_and_tells_when_it_has_room)
{
	int fds[2];
	size_t taken;

	cr_assert_eq(pipe(fds), 0);
	rig_fill(fds[1]);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	taken = console_write(rig.console, sent, sizeof(sent));
	cr_expect_eq(taken, CONSOLE_OUTPUT_SIZE);
	cr_expect_eq(console_write(rig.console, sent, 1), 0);
	rig_run(&rig);
	cr_expect_eq(rig_drained(&rig), 0);
	cr_expect_eq(rig_read(fds[0], got, 65536), 65536);
	rig_wait_drained(&rig, 1);
	cr_expect_geq(console_write(rig.console, sent, sizeof(sent)), CONSOLE_OUTPUT_SIZE / 2);
	close(fds[0]);
	rig_fini(&rig);
}

/* The event's counter says how often it was raised. */
Test(output, a_burst_wakes_the_loop_once)
{
	int fds[2];
	eventfd_t raises;

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	cr_assert_eq(eventfd_read(rig.console->wake.source.fd, &raises), 0);
	for (unsigned int i = 0; i < 1000; i++)
		cr_assert_eq(console_write(rig.console, sent + i, 1), 1);
	cr_assert_eq(eventfd_read(rig.console->wake.source.fd, &raises), 0);
	cr_expect_eq(raises, 1);
	rig_fini(&rig);
}

/* The loop looks again by itself for what follows a write. */
Test(output, what_follows_a_write_wakes_nobody_and_is_written)
{
	int fds[2];
	eventfd_t raises;

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	cr_assert_eq(console_write(rig.console, (const uint8_t *)"a", 1), 1);
	cr_assert_eq(eventfd_read(rig.console->wake.source.fd, &raises), 0);
	console_output_pump(rig.console);
	cr_assert_eq(console_write(rig.console, (const uint8_t *)"b", 1), 1);
	cr_expect_eq(eventfd_read(rig.console->wake.source.fd, &raises), -1);
	rig_run(&rig);
	cr_expect_eq(rig_read(fds[0], got, 2), 2);
	cr_expect_arr_eq(got, "ab", 2);
	rig_fini(&rig);
}

/* Whether the loop still serves input while more and more goes to an output that nobody reads. */
static void expect_does_not_wait(int out)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(fds[0], out);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	for (unsigned int i = 0; i < 300; i++) {
		while (console_write(rig.console, sent, 1000))
			;
		cr_assert_eq(write(fds[1], &sent[i], 1), 1);
		rig_wait_input(&rig, i + 1);
	}
	cr_expect_arr_eq(rig.input, sent, 300);
	rig_halt(&rig);
}

Test(output, a_pipe_that_nobody_reads_does_not_stop_the_loop)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	expect_does_not_wait(fds[1]);
	close(fds[0]);
	rig_fini(&rig);
}

Test(output, a_socket_that_nobody_reads_does_not_stop_the_loop)
{
	int fds[2];

	/* So small that a write blocks where poll(2) was not asked. */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_assert_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, sizeof(int)), 0);
	expect_does_not_wait(fds[1]);
	close(fds[0]);
	rig_fini(&rig);
}

Test(output, a_terminal_that_nobody_reads_does_not_stop_the_loop)
{
	int master, slave;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	expect_does_not_wait(slave);
	close(master);
	rig_fini(&rig);
}

static unsigned int times(const char *text, const char *word)
{
	unsigned int n = 0;

	while ((text = strstr(text, word))) {
		text++;
		n++;
	}
	return n;
}

/* SIGPIPE has its default action when the console begins. */
Test(output, a_reader_that_is_gone_is_said_once_and_output_is_dropped)
{
	int fds[2];

	rig_keep_errors();
	cr_assert_eq(pipe(fds), 0);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	close(fds[0]);
	rig_run(&rig);
	for (unsigned int i = 0; i < 4; i++)
		rig_send(&rig, sent, sizeof(sent));
	rig_fini(&rig);
	cr_expect_eq(times(rig_errors(), "Broken pipe"), 1, "%s", rig_errors());
}

/* It goes while the guest waits for room. */
Test(output, a_guest_that_waits_goes_on_when_the_reader_leaves)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_fill(fds[1]);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	while (console_write(rig.console, sent, 100))
		;
	close(STDOUT_FILENO);
	close(fds[1]);
	close(fds[0]);
	rig_wait_drained(&rig, 1);
	cr_expect_eq(console_write(rig.console, sent, sizeof(sent)), sizeof(sent));
	rig_fini(&rig);
}

Test(output, a_full_disk_is_said_once_and_output_is_dropped)
{
	rig_keep_errors();
	rig_stdio(null, open("/dev/full", O_WRONLY | O_CLOEXEC));
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig_run(&rig);
	rig_send(&rig, sent, sizeof(sent));
	rig_fini(&rig);
	cr_expect_eq(times(rig_errors(), "No space left"), 1, "%s", rig_errors());
}

Test(output, closed_standard_descriptors_are_no_console)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };
	struct console *console;
	struct loop *loop;

	cr_assert_eq(loop_create(&loop), 0);
	rig_keep_errors();
	rig_stdio(-1, -1);
	cr_assert_eq(console_create(loop, &config, NULL, NULL, &console), 0);
	cr_expect_eq(console_write(console, sent, MUCH), MUCH);
	console_destroy(console);
	cr_expect_str_empty(rig_errors());
	loop_destroy(loop);
}

Test(output, no_console_drops_everything)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_NONE, NULL);
	rig_run(&rig);
	rig_send(&rig, sent, sizeof(sent));
	rig_fini(&rig);
	cr_expect_eq(read(fds[0], got, 1), -1);
}

Test(output, a_file_of_its_own_is_emptied_and_written)
{
	char name[] = "/tmp/arcvisor-console-XXXXXX";
	int fd = mkstemp(name);

	cr_assert_eq(ftruncate(fd, 2 * MUCH), 0);
	rig_init(&rig, CONSOLE_FILE, name);
	rig_run(&rig);
	rig_send(&rig, sent, sizeof(sent));
	rig_fini(&rig);
	cr_expect_eq(rig_read(fd, got, MUCH), MUCH);
	cr_expect_arr_eq(got, sent, MUCH);
	cr_expect_eq(read(fd, got, 1), 0);
	unlink(name);
}

Test(output, a_file_that_cannot_be_opened_is_named)
{
	const struct console_config config = { .kind = CONSOLE_FILE, .path = "/tmp/none/such" };
	struct console *console;
	struct loop *loop;

	rig_keep_errors();
	cr_assert_eq(loop_create(&loop), 0);
	cr_expect_eq(console_create(loop, &config, NULL, NULL, &console), -ENOENT);
	cr_expect(strstr(rig_errors(), "/tmp/none/such"), "%s", rig_errors());
	loop_destroy(loop);
}

/* A guest that ends has its last words out, though the loop does not run any more. */
Test(output, destroy_writes_what_is_left)
{
	struct reader reader = { .want = CONSOLE_OUTPUT_SIZE };
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_fill(fds[1]);
	cr_assert_eq(read(fds[0], got, 1000), 1000);
	cr_assert_eq(rig_read(fds[0], got, 64536), 64536);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	cr_assert_eq(console_write(rig.console, sent, CONSOLE_OUTPUT_SIZE), CONSOLE_OUTPUT_SIZE);
	reader.fd = fds[0];
	cr_assert_eq(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
	rig_fini(&rig);
	pthread_join(reader.thread, NULL);
	cr_expect_eq(reader.got, CONSOLE_OUTPUT_SIZE);
	cr_expect_arr_eq(got, sent, CONSOLE_OUTPUT_SIZE);
}

/* Ends by the test's timeout where it does not. */
Test(output, destroy_does_not_wait_for_a_reader_for_ever)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	rig_fill(fds[1]);
	rig_stdio(null, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	cr_assert_gt(console_write(rig.console, sent, sizeof(sent)), 0);
	rig_fini(&rig);
}

Test(output, destroying_none_is_fine)
{
	console_destroy(NULL);
}
