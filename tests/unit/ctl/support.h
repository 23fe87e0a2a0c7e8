/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of ctl share: command lines tried out, made-up hosts, a made-up /proc and /sys. */
#ifndef ARCVISOR_TESTS_CTL_SUPPORT_H
#define ARCVISOR_TESTS_CTL_SUPPORT_H

#include "ctl/cmdline.h"
#include "ctl/doctor_report.h"

#define TEXT_MAX 16384

/* What a command line came to, and what it printed. */
struct outcome {
	enum command command;
	struct vm_config config;
	char out[TEXT_MAX];
	char err[TEXT_MAX];
};

/* Parses "arcvisor" and the words that follow. */
#define parse(outcome, ...) parse_argv((outcome), (char *[]){ "arcvisor", ##__VA_ARGS__, NULL })
void parse_argv(struct outcome *outcome, char **argv);

/* Fails the test unless the words are refused, with @line on standard error and nothing else. */
#define assert_refused(line, ...) \
	assert_refused_argv((line), (char *[]){ "arcvisor", ##__VA_ARGS__, NULL })
void assert_refused_argv(const char *line, char **argv);

/* An arm64 host that lacks nothing. */
struct doctor_facts facts_complete(void);

struct report {
	int status;
	char text[TEXT_MAX];
};

void report_of(struct report *report, const struct doctor_facts *facts);

/* Fails the test unless @text has @part. */
void assert_has(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

/* A made-up file tree below @root. */
struct tree {
	char root[64];
};

void tree_init(struct tree *tree);
void tree_fini(struct tree *tree);
void tree_write(struct tree *tree, const char *path, const char *text);

#endif
