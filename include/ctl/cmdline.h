/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: argv to a command and its configuration. */
#ifndef ARCVISOR_CTL_CMDLINE_H
#define ARCVISOR_CTL_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/config.h"

/* Exit statuses of the program; README.md and --help document them. */
enum exit_status {
	STATUS_OFF = 0,	     /* the guest powered off, or the user ended it */
	STATUS_ERROR = 1,    /* arcvisor or its host failed */
	STATUS_USAGE = 2,    /* bad usage, or a machine that this host cannot have */
	STATUS_RESET = 3,    /* the guest asked for a reset, and --on-reset exit */
	STATUS_CRASH = 4,    /* a vCPU could not go on */
	STATUS_TIMEOUT = 5,  /* the guest did not power off when it was asked to */
	STATUS_WATCHDOG = 6, /* the guest's watchdog expired, and --watchdog exit */
};

enum command {
	COMMAND_RUN,
	COMMAND_DOCTOR,
	COMMAND_CTL,  /* the words are for ctl/client.h */
	COMMAND_STOP, /* the same */
	COMMAND_DONE, /* --help or --version was printed */
	COMMAND_BAD,  /* refused; one line said why on standard error */
};

/*
 * Parses @argv. COMMAND_RUN fills *@config, whose strings point into @argv (where
 * --disk's are cut into pieces), and sets the log level that --verbose and --quiet ask for; any
 * other command leaves both alone. Help and version go to standard output. From one thread at a
 * time: getopt(3) has static state.
 */
enum command cmdline_parse(int argc, char **argv, struct vm_config *config);

#endif
