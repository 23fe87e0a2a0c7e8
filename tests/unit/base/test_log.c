/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: their form, their level, and what logging leaves alone. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"

#define LINE_SIZE 512 /* the longest line, its end included */
#define PREFIX	  "arcvisor: "

TestSuite(log, .init = capture_start);

Test(log, says_its_level)
{
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("one");
	log_warn("two");
	log_info("three");
	log_debug("four");
	capture_expect("arcvisor: one\n");
	capture_expect("arcvisor: warning: two\n");
	capture_expect("arcvisor: info: three\n");
	capture_expect("arcvisor: debug: four\n");
	capture_expect_end();
}

Test(log, shows_errors_and_warnings_unless_told_otherwise)
{
	log_debug("no");
	log_info("no");
	log_warn("yes");
	log_error("yes");
	capture_expect("arcvisor: warning: yes\n");
	capture_expect("arcvisor: yes\n");
	capture_expect_end();
}

Test(log, drops_what_is_above_its_level)
{
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("no");
	log_error("yes");
	capture_expect("arcvisor: yes\n");
	capture_expect_end();
}

Test(log, formats_arguments)
{
	log_error("%s has %d of %#x", "it", -3, 0xabcu);
	capture_expect("arcvisor: it has -3 of 0xabc\n");
}

Test(log, writes_an_empty_line)
{
	log_error("%s", "");
	capture_expect("arcvisor: \n");
}

/* A path or a guest's string must not look like a line of its own, nor drive a terminal. */
Test(log, shows_control_characters_as_question_marks)
{
	log_error("a\nb\tc\033[1m\177 \303\251");
	capture_expect("arcvisor: a?b?c?[1m? \303\251\n");
}

Test(log, keeps_a_line_whole_below_the_limit)
{
	char text[LINE_SIZE - sizeof(PREFIX) - 1];
	char line[LINE_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	snprintf(line, sizeof(line), PREFIX "%s\n", text);
	capture_expect(line);
}

Test(log, cuts_a_long_line_and_says_so)
{
	char text[2 * LINE_SIZE];
	char line[2 * LINE_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	cr_assert_eq(capture_next(line, sizeof(line)), LINE_SIZE);
	cr_assert_eq(memcmp(line, PREFIX "xxx", strlen(PREFIX "xxx")), 0);
	cr_assert_str_eq(line + LINE_SIZE - 6, "xx...\n");
	capture_expect_end();
}

/* At each length a line is either all there or ends in dots: nothing is lost in silence. */
Test(log, never_cuts_without_saying_so)
{
	char text[LINE_SIZE + 8];
	char line[2 * LINE_SIZE];

	for (size_t len = LINE_SIZE - 32; len < sizeof(text); len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		log_error("%s", text);
		int n = capture_next(line, sizeof(line));

		cr_assert_leq(n, LINE_SIZE);
		cr_assert_eq(line[n - 1], '\n');
		if (strstr(line, "..."))
			cr_assert_eq(n, LINE_SIZE);
		else
			cr_assert_eq(memcmp(line + strlen(PREFIX), text, len), 0);
	}
}

Test(log, leaves_errno_alone)
{
	close(STDERR_FILENO);
	errno = ERANGE;
	log_error("nobody hears this");
	cr_assert_eq(errno, ERANGE);
}

Test(log, formats_the_callers_errno)
{
	errno = ENOENT;
	log_error("%m");
	capture_expect("arcvisor: No such file or directory\n");
}

#define THREADS 4
#define LINES	20

static void *log_lines(void *arg)
{
	const char *name = arg;

	for (int i = 0; i < LINES; i++)
		log_error("%s %d", name, i);
	return NULL;
}

/* Packets keep the bounds of writes: a line in pieces, or two in one, is a packet too many. */
Test(log, writes_whole_lines_from_any_thread)
{
	static char names[THREADS][2] = { "0", "1", "2", "3" };
	pthread_t threads[THREADS];
	int next[THREADS] = { 0 };
	char line[LINE_SIZE];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, log_lines, names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS * LINES; i++) {
		char expected[LINE_SIZE];
		int thread;

		cr_assert_gt(capture_next(line, sizeof(line)), 0);
		cr_assert_eq(sscanf(line, PREFIX "%d", &thread), 1);
		cr_assert(thread >= 0 && thread < THREADS);
		snprintf(expected, sizeof(expected), PREFIX "%d %d\n", thread, next[thread]++);
		cr_assert_str_eq(line, expected);
	}
	capture_expect_end();
}
