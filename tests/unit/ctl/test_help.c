/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "ctl/options.h"
#include "support.h"

static struct outcome outcome, other;

static void assert_done(const struct outcome *o)
{
	cr_assert_eq(o->command, COMMAND_DONE, "%s", o->err);
	cr_assert_str_empty(o->err);
}

Test(help, program_names_its_commands)
{
	parse(&outcome, "--help");
	assert_done(&outcome);
	assert_has(outcome.out, "usage: arcvisor run --kernel FILE");
	assert_has(outcome.out, "\n  run ");
	assert_has(outcome.out, "\n  doctor ");
	assert_has(outcome.out, "\n  help ");
}

Test(help, help_word_and_short_form_are_the_same)
{
	parse(&outcome, "--help");
	parse(&other, "help");
	assert_done(&other);
	cr_assert_str_eq(outcome.out, other.out);
	parse(&other, "-h");
	cr_assert_str_eq(outcome.out, other.out);
}

Test(help, of_a_command_by_word_and_by_option)
{
	parse(&outcome, "help", "run");
	assert_done(&outcome);
	parse(&other, "run", "--help");
	assert_done(&other);
	cr_assert_str_eq(outcome.out, other.out);
	parse(&other, "run", "-h");
	cr_assert_str_eq(outcome.out, other.out);
	parse(&other, "help", "doctor");
	assert_done(&other);
	assert_has(other.out, "usage: arcvisor doctor\n");
}

Test(help, wins_over_what_is_missing_or_follows)
{
	parse(&outcome, "run", "--help", "--nonsense", "stray");
	assert_done(&outcome);
	assert_has(outcome.out, "usage: arcvisor run");
}

Test(help, of_run_has_every_option_with_an_example)
{
	const struct command_desc *run = command_find("run");

	parse(&outcome, "help", "run");
	for (unsigned int i = 0; i < run->nr_options; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s", run->options[i].name);
		assert_has(outcome.out, name);
		if (!run->options[i].alias_of)
			assert_has(outcome.out, run->options[i].example);
	}
}

Test(help, of_run_tells_keys_statuses_and_an_example)
{
	parse(&outcome, "help", "run");
	assert_has(outcome.out, "Ctrl-A x  ");
	assert_has(outcome.out, "Ctrl-A h  ");
	assert_has(outcome.out, "Ctrl-A Ctrl-A  ");
	for (char status = '0'; status <= '5'; status++)
		assert_has(outcome.out, (char[]){ '\n', ' ', ' ', status, ' ', ' ', '\0' });
	assert_has(outcome.out, "arcvisor run --kernel Image --initrd");
}

Test(help, of_run_tells_the_limits_that_hold)
{
	char text[64];

	parse(&outcome, "help", "run");
	snprintf(text, sizeof(text), "1 to %u ", VM_MAX_CPUS);
	assert_has(outcome.out, text);
	snprintf(text, sizeof(text), "Default: %lluM.", VM_DEFAULT_MEMORY >> 20);
	assert_has(outcome.out, text);
	snprintf(text, sizeof(text), "memory, %lluM or more", VM_MIN_MEMORY >> 20);
	assert_has(outcome.out, text);
}

Test(help, options_of_a_command_have_names_of_their_own)
{
	for (unsigned int c = 0; c < NR_COMMANDS; c++) {
		const struct option_desc *options = commands[c].options;

		for (unsigned int i = 0; i < commands[c].nr_options; i++)
			for (unsigned int j = 0; j < i; j++) {
				cr_assert_str_neq(options[i].name, options[j].name);
				cr_assert(!options[i].letter ||
					  options[i].letter != options[j].letter);
			}
	}
}

static void assert_fits(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		cr_assert_leq(strcspn(line, "\n"), 80, "%s", line);
}

Test(help, lines_fit_a_terminal)
{
	parse(&outcome, "help");
	assert_fits(outcome.out);
	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s", commands[i].name);
		parse(&outcome, "help", name);
		assert_done(&outcome);
		assert_fits(outcome.out);
	}
}

Test(help, version_is_one_line)
{
	parse(&outcome, "--version");
	assert_done(&outcome);
	cr_assert_eq(strncmp(outcome.out, "arcvisor ", 9), 0);
	cr_assert_eq(strchr(outcome.out, '\n'), outcome.out + strlen(outcome.out) - 1);
	parse(&other, "-V");
	cr_assert_str_eq(outcome.out, other.out);
}
