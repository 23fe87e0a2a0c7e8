/* SPDX-License-Identifier: Apache-2.0 */
/* argv to a command: finds the command, then walks its options with getopt_long(3). */
#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/options.h"

#ifndef ARCVISOR_VERSION
#define ARCVISOR_VERSION "unknown"
#endif

#define MAX_OPTIONS 32
#define LONG_BASE   256 /* getopt's value of an option's long form: LONG_BASE + index */

/* A command's options as getopt_long() wants them. */
struct getopt_tables {
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 3];
};

/* @tables are zero before: getopt's end marks. */
static void fill_tables(const struct command_desc *command, struct getopt_tables *tables)
{
	char *next = tables->shorts;

	assert(command->nr_options <= MAX_OPTIONS);
	*next++ = '+'; /* stop at the first argument that is no option */
	*next++ = ':'; /* tell a missing value from an unknown option */
	for (unsigned int i = 0; i < command->nr_options; i++) {
		const struct option_desc *option = &command->options[i];

		tables->longs[i].name = option->name;
		tables->longs[i].has_arg = option->value ? required_argument : no_argument;
		tables->longs[i].val = LONG_BASE + (int)i;
		if (!option->letter)
			continue;
		*next++ = option->letter;
		if (option->value)
			*next++ = ':';
	}
}

/* The index of what getopt returned, or left in optopt; -1 where no option has it. */
static int option_index(const struct command_desc *command, int val)
{
	if (val >= LONG_BASE)
		return val - LONG_BASE;
	for (unsigned int i = 0; val && i < command->nr_options; i++)
		if (command->options[i].letter == val)
			return (int)i;
	return -1;
}

/* An option and its other names count as one. */
static uint32_t option_bit(const struct command_desc *command, unsigned int index)
{
	const char *name = command->options[index].alias_of;

	for (unsigned int i = 0; name && i < command->nr_options; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return BIT(i);
	return BIT(index);
}

/* What getopt stopped at: @word is the argument that it looked at. */
static void report_refused(const struct command_desc *command, int result, const char *word)
{
	int index = option_index(command, optopt);
	const struct option_desc *option = index < 0 ? NULL : &command->options[index];

	if (option && result == ':')
		log_error("--%s needs a value, such as %s", option->name, option->example);
	else if (option)
		log_error("--%s takes no value; leave out what follows the =", option->name);
	else if (word[1] == '-')
		log_error("%s has no option %.*s; try arcvisor %s --help", command->name,
			  (int)strcspn(word, "="), word, command->name);
	else
		log_error("%s has no option -%c; try arcvisor %s --help", command->name, optopt,
			  command->name);
}

static bool take_option(const struct command_desc *command, unsigned int index, uint32_t *seen,
			struct option_values *values)
{
	const struct option_desc *option = &command->options[index];
	uint32_t bit = option_bit(command, index);

	if (option->value && !option->repeats && (*seen & bit)) {
		log_error("--%s %.64s: given before; give it once", option->name, optarg);
		return false;
	}
	*seen |= bit;
	if (option->set_cut)
		return option->set_cut(&values->config, optarg);
	return option->set(values, option->name, optarg);
}

/* True with *@values filled, as far as --help if that is among them. */
static bool parse_options(const struct command_desc *command, int argc, char **argv,
			  struct option_values *values)
{
	struct getopt_tables tables = { 0 };
	uint32_t seen = 0;

	fill_tables(command, &tables);
	opterr = 0;
	optind = 0; /* glibc and musl: forget an earlier argv */
	while (!values->help) {
		const char *word = argv[optind ? optind : 1];
		int result = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);

		if (result == -1)
			break;
		if (result == '?' || result == ':') {
			report_refused(command, result, word);
			return false;
		}
		if (!take_option(command, (unsigned int)option_index(command, result), &seen,
				 values))
			return false;
	}
	if (values->help || optind >= argc || command->takes_words)
		return true;
	log_error("%s takes no argument \"%.64s\"; try arcvisor %s --help", command->name,
		  argv[optind], command->name);
	return false;
}

static enum log_level wanted_level(const struct option_values *values)
{
	static const enum log_level levels[] = { LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

	if (values->quiet)
		return LOG_LEVEL_ERROR;
	return levels[values->verbose < ARRAY_SIZE(levels) ? values->verbose
							   : ARRAY_SIZE(levels) - 1];
}

static enum command finish_run(const struct option_values *values, struct vm_config *config)
{
	if (!values->config.kernel) {
		log_error("run needs --kernel FILE, an arm64 Image; try arcvisor run --help");
		return COMMAND_BAD;
	}
	if (values->quiet && values->verbose) {
		log_error("--quiet and --verbose exclude each other; give one of them");
		return COMMAND_BAD;
	}
	if (!consoles_fit(&values->config))
		return COMMAND_BAD;
	log_set_level(wanted_level(values));
	*config = values->config;
	return COMMAND_RUN;
}

static enum command parse_command(const struct command_desc *command, int argc, char **argv,
				  struct vm_config *config)
{
	struct option_values values = {
		.config = { .cpus = VM_DEFAULT_CPUS,
			    .memory = VM_DEFAULT_MEMORY,
			    .stop_timeout = VM_DEFAULT_STOP,
			    .rng = { .on = true } },
	};

	if (!parse_options(command, argc, argv, &values))
		return COMMAND_BAD;
	if (values.help) {
		help_command(stdout, command);
		return COMMAND_DONE;
	}
	if (command->command == COMMAND_RUN)
		return finish_run(&values, config);
	return command->command;
}

/* `arcvisor help [COMMAND]`; @argv[0] is "help". */
static enum command parse_help(int argc, char **argv)
{
	const struct command_desc *command = NULL;

	if (argc > 2) {
		log_error("help takes one command, and \"%.64s\" is too much; leave it out",
			  argv[2]);
		return COMMAND_BAD;
	}
	if (argc == 2) {
		command = command_find(argv[1]);
		if (!command) {
			log_error("no help for \"%.64s\"; try arcvisor --help", argv[1]);
			return COMMAND_BAD;
		}
		help_command(stdout, command);
		return COMMAND_DONE;
	}
	help_program(stdout);
	return COMMAND_DONE;
}

static bool word_is(const char *word, const char *letter, const char *name)
{
	return strcmp(word, letter) == 0 || strcmp(word, name) == 0;
}

enum command cmdline_parse(int argc, char **argv, struct vm_config *config)
{
	const struct command_desc *command;

	if (argc < 2) {
		help_usage(stderr);
		return COMMAND_BAD;
	}
	command = command_find(argv[1]);
	if (command)
		return parse_command(command, argc - 1, argv + 1, config);
	if (strcmp(argv[1], "help") == 0)
		return parse_help(argc - 1, argv + 1);
	if (word_is(argv[1], "-h", "--help"))
		return parse_help(1, argv + 1);
	if (word_is(argv[1], "-V", "--version")) {
		puts("arcvisor " ARCVISOR_VERSION);
		return COMMAND_DONE;
	}
	log_error("\"%.64s\" is no command; commands are run, doctor, ctl, stop and help, as in "
		  "arcvisor run --kernel FILE",
		  argv[1]);
	return COMMAND_BAD;
}
