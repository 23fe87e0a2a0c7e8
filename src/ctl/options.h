/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and their options as data: cmdline.c parses by these tables, help.c prints them.
 */
#ifndef ARCVISOR_SRC_CTL_OPTIONS_H
#define ARCVISOR_SRC_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/cmdline.h"

/* What the options of one command line come to. */
struct option_values {
	struct vm_config config;
	unsigned int verbose; /* how often --verbose was given */
	bool quiet;
	bool help;
};

struct option_desc {
	const char *name;     /* without the dashes */
	char letter;	      /* short form, 0 for none */
	const char *value;    /* what help calls the value; NULL where the option takes none */
	bool repeats;	      /* may be given more than once */
	const char *alias_of; /* long name of the option that this is another name for, or NULL */

	/*
	 * Takes the value (NULL for none). False after a line in the log that says why not.
	 * @set_cut in its place for one that cuts its value into pieces, where it stands in argv.
	 */
	bool (*set)(struct option_values *values, const char *name, const char *value);
	bool (*set_cut)(struct vm_config *config, char *value);

	const char *help;    /* lines of text with the default */
	const char *example; /* a use of it */
};

struct command_desc {
	const char *name;
	enum command command;
	const char *summary;
	const char *usage; /* what follows the name */
	const char *notes; /* the end of its help */
	const struct option_desc *options;
	unsigned int nr_options;
	bool takes_words; /* after its options, which it then reads itself (ctl/client.h) */
};

#define NR_COMMANDS 4

extern const struct command_desc commands[NR_COMMANDS];

/* The setter of --cpu-feature (cpu_feature.c). */
bool set_cpu_feature(struct option_values *values, const char *name, const char *value);

/* A file's name as the value of --@name; false after a line in the log. */
bool take_path(const char **path, const char *name, const char *value);

/* The setters of --console, --virtio-console and --port (console_option.c). */
bool set_console(struct option_values *values, const char *name, const char *value);
bool set_virtio_console(struct option_values *values, const char *name, const char *value);
bool set_port(struct vm_config *config, char *value);

/* False, after a line in the log, where two of them are in one place. */
bool consoles_fit(const struct vm_config *config);

/* The setter of --rng (rng_option.c). */
bool set_rng(struct vm_config *config, char *value);

/* The setters of --on-reset, --stop-timeout, --on-crash and --watchdog (end_option.c). */
bool set_on_reset(struct option_values *values, const char *name, const char *value);
bool set_stop_timeout(struct option_values *values, const char *name, const char *value);
bool set_on_crash(struct option_values *values, const char *name, const char *value);
bool set_watchdog(struct option_values *values, const char *name, const char *value);

/* The setters of --gic, --its and --conduit (gic_option.c). */
bool set_gic(struct option_values *values, const char *name, const char *value);
bool set_its(struct option_values *values, const char *name, const char *value);
bool set_conduit(struct option_values *values, const char *name, const char *value);

/* The command of that name, or NULL. */
const struct command_desc *command_find(const char *name);

/* A few lines for one who gave no command. */
void help_usage(FILE *out);

/* `arcvisor --help`, and `arcvisor COMMAND --help`. */
void help_program(FILE *out);
void help_command(FILE *out, const struct command_desc *command);

#endif
