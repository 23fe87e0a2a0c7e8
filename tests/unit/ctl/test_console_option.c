/* SPDX-License-Identifier: Apache-2.0 */
/* --console, --virtio-console and --port: what they come to, and what is refused. */
#include <criterion/criterion.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

Test(console_option, places)
{
	static const struct {
		const char *value;
		enum console_kind kind;
		const char *path;
	} cases[] = {
		{ "stdio", CONSOLE_STDIO, NULL },
		{ "pty", CONSOLE_PTY, NULL },
		{ "none", CONSOLE_NONE, NULL },
		{ "boot.log", CONSOLE_FILE, "boot.log" },
		{ "file=none", CONSOLE_FILE, "none" },
		{ "socket=/run/x", CONSOLE_SOCKET, "/run/x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *value = (char *)(uintptr_t)cases[i].value;

		parse(&outcome, RUN, "--console", value);
		cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
		cr_expect_eq(outcome.config.console.kind, cases[i].kind);
		cr_expect_not(outcome.config.has_terminal);
		if (cases[i].path)
			cr_expect_str_eq(outcome.config.console.path, cases[i].path);
		parse(&outcome, RUN, "--console", "none", "--virtio-console", value);
		cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
		cr_expect(outcome.config.has_terminal);
		cr_expect_eq(outcome.config.terminal.kind, cases[i].kind);
		cr_expect_str_eq(outcome.config.terminal.name, "virtio-console");
	}
}

Test(console_option, one_terminal_is_not_two_consoles)
{
	assert_refused("--virtio-console stdio: the serial port is there already; move it with "
		       "--console none, a file, pty or socket=PATH",
		       RUN, "--virtio-console", "stdio");
	parse(&outcome, RUN, "--virtio-console", "pty");
	cr_expect_eq(outcome.command, COMMAND_RUN);
}

Test(console_option, ports)
{
	char one[] = "name=org.qemu.guest_agent.0,socket=/run/a,,b", two[] = "pty,name=2";

	parse(&outcome, RUN, "--port", one, "--port", two);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_ports, 2);
	cr_expect_str_eq(outcome.config.ports[0].name, "org.qemu.guest_agent.0");
	cr_expect_eq(outcome.config.ports[0].kind, CONSOLE_SOCKET);
	cr_expect_str_eq(outcome.config.ports[0].path, "/run/a,b");
	cr_expect_str_eq(outcome.config.ports[1].name, "2");
	cr_expect_eq(outcome.config.ports[1].kind, CONSOLE_PTY);
}

Test(console_option, refused_ports)
{
	static const char both[] = "--port: give both name=NAME and socket=PATH, file=PATH or pty";
	static const struct {
		const char *value, *line;
	} cases[] = {
		{ "name=a", both },
		{ "pty", both },
		{ "", "--port: \"\": give name=NAME and socket=PATH, file=PATH or pty" },
		{ "a,pty", "--port: \"a\": give name=NAME and socket=PATH, file=PATH or pty" },
		{ "name=a,pty,file=b", "--port: \"file=b\": it has a place already; give one" },
		{ "name=a/b,pty", "--port: name=a/b: give 1 to 63 letters, digits or . - _ : + @, "
				  "not . first" },
		{ "name=,pty", "--port: name=: give 1 to 63 letters, digits or . - _ : + @, not . "
			       "first" },
		{ "name=a,socket=", "--port: the path is empty; name a file" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[64];

		snprintf(words, sizeof(words), "%s", cases[i].value);
		assert_refused(cases[i].line, RUN, "--port", words);
	}
}

Test(console_option, names_differ)
{
	char one[] = "name=a,pty", two[] = "name=a,file=b";

	assert_refused("--port: name=a: another port has that name", RUN, "--port", one, "--port",
		       two);
}
