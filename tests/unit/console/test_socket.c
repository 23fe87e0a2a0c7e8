/* SPDX-License-Identifier: Apache-2.0 */
/* A console's socket: who connects, one at a time, and what becomes of what he left. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char path[64];

static void init(void)
{
	snprintf(path, sizeof(path), "/tmp/console.%d", (int)getpid());
	rig_init(&rig, CONSOLE_SOCKET, path);
	rig_run(&rig);
}

static void fini(void)
{
	rig_fini(&rig);
	unlink(path);
}

TestSuite(socket, .init = init, .fini = fini);

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void expect_read(int fd, const char *text)
{
	char got[64] = { 0 };

	cr_expect_eq(rig_read(fd, got, strlen(text)), strlen(text));
	cr_expect_str_eq(got, text);
}

Test(socket, is_its_owner_s_alone_and_goes_with_the_console)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_expect(S_ISSOCK(st.st_mode));
	cr_expect_eq(st.st_mode & 0777, 0600);
	rig_fini(&rig);
	cr_expect_eq(stat(path, &st), -1);
	rig_init(&rig, CONSOLE_SOCKET, path);
}

Test(socket, passes_bytes_both_ways)
{
	int fd = dial();

	say(fd, "typed");
	rig_wait_input(&rig, 5);
	cr_expect_arr_eq(rig.input, "typed", 5);
	rig_send(&rig, "shown", 5);
	expect_read(fd, "shown");
	close(fd);
}

/* Without anybody the guest goes on, and who comes later gets what is said later. */
Test(socket, output_without_anybody_is_dropped)
{
	int fd;

	rig_send(&rig, "nobody hears", 12);
	fd = dial();
	say(fd, "x");
	rig_wait_input(&rig, 1); /* he is connected */
	rig_send(&rig, "now", 3);
	expect_read(fd, "now");
	close(fd);
}

Test(socket, one_at_a_time_and_the_next_after_him)
{
	int first = dial(), second = dial();

	say(second, "2");
	say(first, "1");
	rig_wait_input(&rig, 1);
	cr_expect_eq(rig.input[0], '1');
	rig_send(&rig, "a", 1);
	expect_read(first, "a");
	close(first);
	rig_wait_input(&rig, 2);
	cr_expect_eq(rig.input[1], '2');
	rig_send(&rig, "b", 1);
	expect_read(second, "b");
	close(second);
}

/* All that he sent before he went comes, however slowly it is taken. */
Test(socket, what_was_sent_outlives_who_sent_it)
{
	static uint8_t text[20000];
	int fd = dial();

	pthread_mutex_lock(&rig.lock);
	rig.room = 100;
	pthread_mutex_unlock(&rig.lock);
	rig_pattern(text, sizeof(text));
	cr_assert_eq(send(fd, text, sizeof(text), 0), (ssize_t)sizeof(text));
	close(fd);
	rig_wait_input(&rig, 100);
	rig_send(&rig, "to nobody", 9);
	rig_allow(&rig, sizeof(text));
	rig_wait_input(&rig, sizeof(text));
	cr_expect_arr_eq(rig.input, text, sizeof(text));
}

Test(socket, who_sends_no_more_still_hears)
{
	int fd = dial(), next;

	say(fd, "last");
	shutdown(fd, SHUT_WR);
	rig_wait_input(&rig, 4);
	rig_send(&rig, "heard", 5);
	expect_read(fd, "heard");
	next = dial();
	say(next, "n");
	close(fd);
	rig_wait_input(&rig, 5);
	close(next);
}

/* A reader that stops stops output, and nothing is lost when it goes on. */
Test(socket, a_slow_reader_gets_it_all)
{
	static uint8_t sent[500000], got[500000];
	int fd = dial();

	say(fd, "x");
	rig_wait_input(&rig, 1);
	for (size_t i = 0; i < sizeof(sent); i += 50000)
		rig_pattern(sent + i, 50000);
	/* More than socket and ring take: some is refused, until it is read. */
	size_t n = console_write(rig.console, sent, sizeof(sent));

	cr_assert_lt(n, sizeof(sent));
	cr_expect_eq(rig_read(fd, got, n), n);
	rig_wait_drained(&rig, 1);
	cr_expect_arr_eq(got, sent, n);
	close(fd);
}

Test(socket, cannot_be_where_another_file_is)
{
	const struct console_config config = { .kind = CONSOLE_SOCKET, .path = "/tmp" };
	struct console *console;

	rig_halt(&rig);
	rig_keep_errors();
	cr_expect_eq(console_create(rig.loop, &config, NULL, NULL, &console), -EEXIST);
	cr_expect_str_eq(rig_errors(), "arcvisor: console /tmp: there is a file which is no "
				       "socket; name another path\n");
}
