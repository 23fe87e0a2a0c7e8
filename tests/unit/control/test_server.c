/* SPDX-License-Identifier: Apache-2.0 */
/* The socket: lines in pieces and in heaps, clients that are many, slow, rude or gone. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define COUNT "{\"command\":\"count\"}\n"

TestSuite(server, .init = rig_init, .fini = rig_fini);

Test(server, answers_a_request)
{
	int fd = rig_connect();

	rig_expect(fd, "{\"id\":1,\"command\":\"echo\",\"text\":\"a\"}\n",
		   "{\"id\":1,\"ok\":true,\"text\":\"a\"}\n");
	rig_expect(fd, "{\"id\":2,\"command\":\"echo\",\"text\":\"b\"}\r\n",
		   "{\"id\":2,\"ok\":true,\"text\":\"b\"}\n");
	rig_expect(fd, "\n\r\n\n", "");
	close(fd);
}

Test(server, takes_a_request_in_pieces)
{
	static const char request[] = "{\"command\":\"echo\",\"text\":\"a\"}\n";
	int fd = rig_connect();

	for (size_t i = 0; i + 2 < sizeof(request); i++) {
		rig_send_bytes(fd, request + i, 1);
		rig_run();
		cr_expect_str_empty(rig_receive(fd, NULL));
	}
	rig_expect(fd, "\n", "{\"ok\":true,\"text\":\"a\"}\n");
	close(fd);
}

Test(server, takes_several_requests_at_once)
{
	int fd = rig_connect();

	rig_expect(
		fd,
		"{\"id\":1,\"command\":\"echo\",\"text\":\"a\"}\n{\"id\":2}\nnonsense\n"
		"{\"id\":3,\"command\":\"echo\",\"text\":\"c\"}\n{\"id\":4,",
		"{\"id\":1,\"ok\":true,\"text\":\"a\"}\n"
		"{\"id\":2,\"ok\":false,\"error\":\"a request needs a \\\"command\\\", a string\"}"
		"\n{\"ok\":false,\"error\":\"not JSON\"}\n"
		"{\"id\":3,\"ok\":true,\"text\":\"c\"}\n");
	rig_expect(fd, "\"command\":\"echo\",\"text\":\"d\"}\n",
		   "{\"id\":4,\"ok\":true,\"text\":\"d\"}\n");
	close(fd);
}

Test(server, a_line_too_long_ends_the_client)
{
	char junk[CONTROL_MAX_LINE];
	int fd = rig_connect(), other = rig_connect();
	bool closed;

	memset(junk, 'x', sizeof(junk));
	rig_send_bytes(fd, junk, sizeof(junk) - 1);
	rig_run();
	cr_expect_str_empty(rig_receive(fd, &closed));
	cr_expect_not(closed, "one byte is left for the end of the line");
	rig_send(fd, "xxxx");
	rig_run();
	cr_expect_str_eq(rig_receive(fd, &closed),
			 "{\"ok\":false,\"error\":\"a request has at most 4096 bytes\"}\n");
	cr_expect(closed);
	rig_expect(other, COUNT, "{\"ok\":true,\"count\":0}\n");
	close(fd);
	close(other);
}

Test(server, the_longest_line_is_taken)
{
	char line[CONTROL_MAX_LINE + 1];
	int fd = rig_connect();

	memset(line, ' ', sizeof(line));
	memcpy(line, COUNT, sizeof(COUNT) - 2);
	line[CONTROL_MAX_LINE - 1] = '\n';
	line[CONTROL_MAX_LINE] = '\0';
	rig_expect(fd, line, "{\"ok\":true,\"count\":0}\n");
	close(fd);
}

Test(server, binary_garbage_is_refused_line_by_line)
{
	unsigned char junk[2048];
	int fd = rig_connect();
	unsigned int lines = 0, state = 1;
	const char *answer;

	for (size_t i = 0; i < sizeof(junk); i++) {
		state = state * 1103515245 + 12345;
		junk[i] = (unsigned char)(state >> 16);
	}
	junk[sizeof(junk) - 1] = '\n';
	rig_send_bytes(fd, junk, sizeof(junk));
	rig_run();
	answer = rig_receive(fd, NULL);
	for (; *answer; answer = strchr(answer, '\n') + 1, lines++)
		cr_expect(strstr(answer, "\"ok\":false"));
	cr_expect_gt(lines, 0);
	rig_expect(fd, COUNT, "{\"ok\":true,\"count\":0}\n");
	close(fd);
}

/* A client that does not read is not read either, and nobody else notices. */
Test(server, a_slow_client_waits_alone)
{
	int slow = rig_connect(), quick = rig_connect();
	size_t got = 0;
	bool closed = false;

	for (int i = 0; i < 3; i++)
		rig_send(slow, "{\"command\":\"long\",\"bytes\":1000000}\n");
	rig_run();
	rig_expect(quick, COUNT, "{\"ok\":true,\"count\":1}\n");
	while (got < 3 * 1000022 && !closed) {
		got += strlen(rig_receive(slow, &closed));
		rig_run();
	}
	cr_expect_eq(got, 3 * 1000022);
	rig_expect(quick, COUNT, "{\"ok\":true,\"count\":3}\n");
	close(slow);
	close(quick);
}

Test(server, a_client_that_is_gone_is_forgotten)
{
	int fd = rig_connect();

	rig_send(fd, "{\"command\":\"long\",\"bytes\":1000000}\n");
	rig_run();
	cr_expect_eq(control_server_clients(rig_server), 1);
	close(fd);
	rig_run();
	cr_expect_eq(control_server_clients(rig_server), 0);
}

/* As `echo ... | nc -U`: what was asked is done though nobody waits for the answer. */
Test(server, a_request_of_one_who_left_is_done)
{
	int fd = rig_connect(), other;

	rig_send(fd, "{\"command\":\"echo\",\"text\":\"a\"}\n");
	close(fd);
	rig_run();
	other = rig_connect();
	rig_expect(other, COUNT, "{\"ok\":true,\"count\":1}\n");
	close(other);
}

Test(server, who_only_listens_gets_the_answers)
{
	int fd = rig_connect();
	bool closed;

	rig_send(fd, COUNT COUNT);
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	rig_run();
	cr_expect_str_eq(rig_receive(fd, &closed),
			 "{\"ok\":true,\"count\":0}\n{\"ok\":true,\"count\":0}\n");
	cr_expect(closed);
	close(fd);
}

Test(server, has_places_for_many_and_the_quietest_makes_room)
{
	int fds[CONTROL_MAX_CLIENTS], late;
	bool closed;

	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		fds[i] = rig_connect();
		rig_run();
	}
	cr_expect_eq(control_server_clients(rig_server), CONTROL_MAX_CLIENTS);
	rig_expect(fds[0], COUNT, "{\"ok\":true,\"count\":0}\n");
	late = rig_connect();
	rig_expect(late, COUNT, "{\"ok\":true,\"count\":0}\n");
	cr_expect_eq(control_server_clients(rig_server), CONTROL_MAX_CLIENTS);
	rig_receive(fds[0], &closed);
	cr_expect_not(closed, "it was heard of since");
	rig_receive(fds[1], &closed);
	cr_expect(closed);
	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++)
		close(fds[i]);
	close(late);
}

/* Where there are no descriptors a client is turned away, and the loop does not spin. */
Test(server, no_descriptors_turn_a_client_away)
{
	struct rlimit limit;
	int fd = rig_connect(), top = dup(fd);
	bool closed;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)top; /* fewer than are open */
	close(top);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Not rig_run(), which needs a descriptor: what stops the loop is there already. */
	for (int i = 0; i < 4; i++) {
		loop_stop(rig_loop);
		cr_assert_eq(loop_run(rig_loop), 0);
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	rig_run();
	rig_receive(fd, &closed);
	cr_expect(closed || control_server_clients(rig_server) == 1);
	close(fd);
	fd = rig_connect();
	rig_expect(fd, COUNT, "{\"ok\":true,\"count\":0}\n");
	close(fd);
}

Test(server, tells_all_clients)
{
	int a = rig_connect(), b = rig_connect();
	struct jval *event = jval_object();

	rig_run();
	jval_put_string(event, "event", "ended");
	control_server_tell(rig_server, event);
	cr_expect_str_eq(rig_receive(a, NULL), "{\"event\":\"ended\"}\n");
	cr_expect_str_eq(rig_receive(b, NULL), "{\"event\":\"ended\"}\n");
	close(a);
	close(b);
}

/* The answer to what ends the loop's run is out before the run ends. */
Test(server, answers_what_stops_it)
{
	int fd = rig_connect();

	rig_send(fd, "{\"command\":\"stop\"}\n");
	cr_assert_eq(loop_run(rig_loop), 0);
	cr_expect_str_eq(rig_receive(fd, NULL), "{\"ok\":true}\n");
	close(fd);
}
