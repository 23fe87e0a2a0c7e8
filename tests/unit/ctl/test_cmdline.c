/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/load.h"
#include "support.h"

static struct outcome outcome;

static void assert_run(void)
{
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_str_empty(outcome.out);
	cr_assert_str_empty(outcome.err);
}

Test(cmdline, run_has_defaults)
{
	parse(&outcome, "run", "--kernel", "Image");
	assert_run();
	cr_assert_str_eq(outcome.config.kernel, "Image");
	cr_assert_null(outcome.config.initrd);
	cr_assert_null(outcome.config.cmdline);
	cr_assert_null(outcome.config.dtb_dump);
	cr_assert_eq(outcome.config.cpus, 1);
	cr_assert_eq(outcome.config.memory, 512 * MIB);
	cr_assert_not(outcome.config.exit_on_reset);
	cr_assert_eq(outcome.config.stop_timeout, 30);
	cr_assert_eq(outcome.config.watchdog, VM_WATCHDOG_OFF);
	cr_assert_eq(outcome.config.console.kind, CONSOLE_STDIO);
}

Test(cmdline, run_takes_values_as_next_word)
{
	parse(&outcome, "run", "--kernel", "Image", "--initrd", "rd", "--cmdline", "a b", "--cpus",
	      "4", "--memory", "2G", "--dtb-dump", "dtb", "--console", "pty", "--on-reset", "exit",
	      "--stop-timeout", "86400", "--on-crash", "dump", "--dump-file", "core", "--watchdog",
	      "pause");
	assert_run();
	cr_assert_str_eq(outcome.config.kernel, "Image");
	cr_assert_str_eq(outcome.config.initrd, "rd");
	cr_assert_str_eq(outcome.config.cmdline, "a b");
	cr_assert_str_eq(outcome.config.dtb_dump, "dtb");
	cr_assert_eq(outcome.config.cpus, 4);
	cr_assert_eq(outcome.config.memory, 2 * GIB);
	cr_assert(outcome.config.exit_on_reset);
	cr_assert_eq(outcome.config.stop_timeout, 86400);
	cr_assert_eq(outcome.config.on_crash, VM_CRASH_DUMP);
	cr_assert_eq(outcome.config.watchdog, VM_WATCHDOG_PAUSE);
	cr_assert_str_eq(outcome.config.dump_file, "core");
	cr_assert_eq(outcome.config.console.kind, CONSOLE_PTY);
}

Test(cmdline, run_takes_values_after_equals)
{
	parse(&outcome, "run", "--kernel=Image", "--cmdline=root=/dev/vda", "--cpus=512");
	assert_run();
	cr_assert_str_eq(outcome.config.kernel, "Image");
	cr_assert_str_eq(outcome.config.cmdline, "root=/dev/vda");
	cr_assert_eq(outcome.config.cpus, 512);
}

Test(cmdline, run_takes_short_forms)
{
	parse(&outcome, "run", "-k", "Image", "-ird", "-a", "a b", "-c2", "-m", "64");
	assert_run();
	cr_assert_str_eq(outcome.config.kernel, "Image");
	cr_assert_str_eq(outcome.config.initrd, "rd");
	cr_assert_str_eq(outcome.config.cmdline, "a b");
	cr_assert_eq(outcome.config.cpus, 2);
	cr_assert_eq(outcome.config.memory, 64 * MIB);
}

Test(cmdline, append_is_cmdline)
{
	parse(&outcome, "run", "-k", "Image", "--append", "quiet");
	assert_run();
	cr_assert_str_eq(outcome.config.cmdline, "quiet");
}

Test(cmdline, strings_point_into_argv)
{
	char kernel[] = "Image";

	parse(&outcome, "run", "-k", kernel);
	assert_run();
	cr_assert_eq((const void *)outcome.config.kernel, (const void *)kernel);
}

Test(cmdline, console_is_a_kind_or_a_file)
{
	static const struct {
		char *value;
		enum console_kind kind;
	} cases[] = {
		{ "stdio", CONSOLE_STDIO },
		{ "pty", CONSOLE_PTY },
		{ "none", CONSOLE_NONE },
		{ "./none", CONSOLE_FILE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(&outcome, "run", "-k", "Image", "--console", cases[i].value);
		assert_run();
		cr_assert_eq(outcome.config.console.kind, cases[i].kind);
	}
	cr_assert_str_eq(outcome.config.console.path, "./none");
}

Test(cmdline, on_reset_reboot_is_accepted)
{
	parse(&outcome, "run", "-k", "Image", "--on-reset", "reboot");
	assert_run();
	cr_assert_not(outcome.config.exit_on_reset);
}

Test(cmdline, limits_themselves_are_accepted)
{
	parse(&outcome, "run", "-k", "Image", "--cpus", "1", "--memory", "32M");
	assert_run();
	parse(&outcome, "run", "-k", "Image", "--cpus", "512", "--memory", "255T");
	assert_run();
}

Test(cmdline, empty_kernel_command_line_is_one)
{
	parse(&outcome, "run", "-k", "Image", "--cmdline", "");
	assert_run();
	cr_assert_str_empty(outcome.config.cmdline);
}

Test(cmdline, kernel_command_line_may_begin_with_dashes)
{
	parse(&outcome, "run", "-k", "Image", "--cmdline", "-- single");
	assert_run();
	cr_assert_str_eq(outcome.config.cmdline, "-- single");
}

Test(cmdline, kernel_command_line_up_to_its_limit)
{
	char text[BOOT_CMDLINE_MAX + 1];

	memset(text, 'x', BOOT_CMDLINE_MAX);
	text[BOOT_CMDLINE_MAX] = '\0';
	parse(&outcome, "run", "-k", "Image", "--cmdline", text);
	assert_run();
}

Test(cmdline, kernel_command_line_over_its_limit_is_refused)
{
	char text[BOOT_CMDLINE_MAX + 2];

	memset(text, 'x', BOOT_CMDLINE_MAX + 1);
	text[BOOT_CMDLINE_MAX + 1] = '\0';
	assert_refused("--cmdline: 2048 bytes, and arm64 Linux takes at most 2047; shorten it",
		       "run", "-k", "Image", "--cmdline", text);
}

Test(cmdline, a_second_parse_forgets_the_first)
{
	parse(&outcome, "run", "-hq");
	cr_assert_eq(outcome.command, COMMAND_DONE);
	parse(&outcome, "run", "-k", "Image");
	assert_run();
	parse(&outcome, "run", "-k", "Image", "-c", "2");
	assert_run();
}

static bool says(enum log_level level)
{
	char text[64] = "";
	int saved = dup(STDERR_FILENO);
	int pipe_fd[2];
	ssize_t len;

	cr_assert_eq(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	log_line(level, "line");
	dup2(saved, STDERR_FILENO);
	close(pipe_fd[1]);
	len = read(pipe_fd[0], text, sizeof(text));
	close(pipe_fd[0]);
	close(saved);
	return len > 0;
}

Test(cmdline, warnings_are_said_unless_asked_otherwise)
{
	parse(&outcome, "run", "-k", "Image");
	cr_assert(says(LOG_LEVEL_WARN));
	cr_assert_not(says(LOG_LEVEL_INFO));
}

Test(cmdline, verbose_says_more)
{
	parse(&outcome, "run", "-k", "Image", "--verbose");
	assert_run();
	cr_assert(says(LOG_LEVEL_INFO));
	cr_assert_not(says(LOG_LEVEL_DEBUG));
}

Test(cmdline, verbose_twice_or_more_says_all)
{
	parse(&outcome, "run", "-k", "Image", "-vv");
	assert_run();
	cr_assert(says(LOG_LEVEL_DEBUG));
	parse(&outcome, "run", "-k", "Image", "-vvvv");
	assert_run();
	cr_assert(says(LOG_LEVEL_DEBUG));
}

Test(cmdline, quiet_says_errors_alone)
{
	parse(&outcome, "run", "-k", "Image", "--quiet");
	assert_run();
	cr_assert(says(LOG_LEVEL_ERROR));
	cr_assert_not(says(LOG_LEVEL_WARN));
}

Test(cmdline, a_refusal_leaves_config_and_log_level_alone)
{
	parse(&outcome, "run", "-k", "Image", "-c", "7");
	parse(&outcome, "run", "-k", "Other", "-c", "3", "-v", "stray");
	cr_assert_eq(outcome.command, COMMAND_BAD);
	cr_assert_str_eq(outcome.config.kernel, "Image");
	cr_assert_eq(outcome.config.cpus, 7);
	cr_assert_not(says(LOG_LEVEL_INFO));
}

Test(cmdline, doctor_is_a_command)
{
	parse(&outcome, "doctor");
	cr_assert_eq(outcome.command, COMMAND_DOCTOR);
	cr_assert_str_empty(outcome.out);
	cr_assert_str_empty(outcome.err);
}
