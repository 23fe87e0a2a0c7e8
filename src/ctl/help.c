/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, printed from the tables that the parser works by. */
#include <string.h>

#include "ctl/options.h"

static void print_indented(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "        %.*s\n", (int)len, text);
		text += len;
		text += *text == '\n';
	}
}

static void print_option(FILE *out, const struct option_desc *option)
{
	if (option->letter)
		fprintf(out, "  -%c, --%s", option->letter, option->name);
	else
		fprintf(out, "      --%s", option->name);
	fprintf(out, "%s%s\n", option->value ? " " : "", option->value ? option->value : "");
	print_indented(out, option->help);
	fprintf(out, "        Example: %s\n", option->example);
}

static void print_usage(FILE *out, const char *lead, const struct command_desc *command)
{
	fprintf(out, "%s arcvisor %s%s%s\n", lead, command->name, *command->usage ? " " : "",
		command->usage);
}

void help_usage(FILE *out)
{
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		print_usage(out, i ? "      " : "usage:", &commands[i]);
	fputs("       arcvisor help [COMMAND]\n", out);
}

void help_program(FILE *out)
{
	fputs("arcvisor runs Linux guests with KVM on 64-bit Arm hosts.\n\n", out);
	help_usage(out);
	fputs("\nCommands:\n", out);
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("  help     Print this text, or a command's, as COMMAND --help does.\n"
	      "\n"
	      "Options:\n"
	      "  -h, --help       Print this text.\n"
	      "  -V, --version    Print the version.\n"
	      "\n"
	      "Begin with: arcvisor doctor, then: arcvisor help run\n",
	      out);
}

void help_command(FILE *out, const struct command_desc *command)
{
	print_usage(out, "usage:", command);
	fprintf(out, "\n%s\n\nOptions:\n", command->summary);
	for (unsigned int i = 0; i < command->nr_options; i++)
		if (!command->options[i].alias_of)
			print_option(out, &command->options[i]);
	fprintf(out, "\n%s", command->notes);
}
