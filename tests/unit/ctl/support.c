/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

/* A standard stream turned into a memory file until capture_end(). */
struct capture {
	FILE *stream;
	int saved, memory;
};

static void capture_begin(struct capture *capture, FILE *stream)
{
	fflush(stream);
	capture->stream = stream;
	capture->saved = dup(fileno(stream));
	capture->memory = memfd_create("capture", MFD_CLOEXEC);
	cr_assert(capture->saved >= 0 && capture->memory >= 0);
	cr_assert(dup2(capture->memory, fileno(stream)) >= 0);
}

static void capture_end(struct capture *capture, char *text)
{
	ssize_t len;

	fflush(capture->stream);
	cr_assert(dup2(capture->saved, fileno(capture->stream)) >= 0);
	len = pread(capture->memory, text, TEXT_MAX - 1, 0);
	cr_assert(len >= 0);
	text[len] = '\0';
	close(capture->saved);
	close(capture->memory);
}

/* Words that may be cut into pieces, as a program's own; they live as long as the test's process.
 */
static char **own_words(char **argv, int *argc)
{
	static char arena[65536], *words[256];
	static size_t used;
	int nr = 0;

	for (; argv[nr]; nr++) {
		size_t size = strlen(argv[nr]) + 1;

		cr_assert(nr < 255 && used + size <= sizeof(arena));
		words[nr] = argv[nr];
		if (!strchr(argv[nr], ','))
			continue;
		words[nr] = memcpy(arena + used, argv[nr], size);
		used += size;
	}
	words[nr] = NULL;
	*argc = nr;
	return words;
}

void parse_argv(struct outcome *outcome, char **argv)
{
	struct capture out, err;
	int argc;

	argv = own_words(argv, &argc);
	capture_begin(&out, stdout);
	capture_begin(&err, stderr);
	outcome->command = cmdline_parse(argc, argv, &outcome->config);
	capture_end(&err, outcome->err);
	capture_end(&out, outcome->out);
}

void assert_refused_argv(const char *line, char **argv)
{
	struct outcome outcome;
	size_t len = strlen(line);
	size_t err_len;

	parse_argv(&outcome, argv);
	err_len = strlen(outcome.err);
	cr_assert_eq(outcome.command, COMMAND_BAD);
	cr_assert_str_empty(outcome.out);
	cr_assert_eq(strncmp(outcome.err, "arcvisor: ", 10), 0);
	cr_assert_geq(err_len, len + 3);
	cr_assert_str_eq(strchr(outcome.err, '\n'), "\n", "more than one line: %s", outcome.err);
	outcome.err[err_len - 1] = '\0';
	cr_assert_str_eq(outcome.err + err_len - 1 - len, line);
	outcome.err[err_len - 1 - len] = '\0';
	cr_assert_str_eq(outcome.err + err_len - 3 - len, ": ");
}

struct doctor_facts facts_complete(void)
{
	return (struct doctor_facts){
		.caps = {
			.api_version = 12,
			.ipa_bits = 48,
			.max_vcpus = 512,
			.recommended_vcpus = 64,
			.nr_memslots = 32764,
			.gic_v2 = true,
			.gic_v3 = true,
			.its = true,
			.smccc_filter = true,
			.nisv_to_user = true,
			.irqfd = true,
			.ioeventfd = true,
			.immediate_exit = true,
			.psci_0_2 = true,
			.sve = true,
			.pmu_v3 = true,
			.pauth = true,
			.mte = true,
			.steal_time = true,
			.counter_offset = true,
			.nested = true,
			.debug_hw = true,
			.debug_breakpoints = 6,
			.debug_watchpoints = 4,
			.binary_stats = true,
		},
		.host = {
			.machine = "aarch64",
			.release = "6.16.1",
			.page_size = 65536,
			.cpu_implementer = 0x41,
			.cpu_part = 0xd40,
			.thp = "madvise",
			.thp_shmem = "advise",
			.hugetlb = {
				{ 64, HOST_UNKNOWN, HOST_UNKNOWN },
				{ 2048, 8, 3 },
				{ 32768, HOST_UNKNOWN, HOST_UNKNOWN },
				{ 524288, HOST_UNKNOWN, HOST_UNKNOWN },
				{ 1048576, 0, 0 },
				{ 16777216, HOST_UNKNOWN, HOST_UNKNOWN },
			},
			.memory_available = 3ull << 29,
			.memlock = HOST_UNLIMITED,
			.nofile = 4096,
			.nproc = 4096,
			.cgroup_memory = HOST_UNLIMITED,
			.cgroup_pids = HOST_UNLIMITED,
			.halt_poll_ns = 500000,
		},
	};
}

void report_of(struct report *report, const struct doctor_facts *facts)
{
	FILE *out = fmemopen(report->text, sizeof(report->text), "w");

	cr_assert_not_null(out);
	report->status = doctor_report(facts, out);
	cr_assert_eq(fclose(out), 0);
}

void assert_has(const char *text, const char *part)
{
	cr_assert_not_null(strstr(text, part), "\"%s\" is not in:\n%s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
	cr_assert_null(strstr(text, part), "\"%s\" is in:\n%s", part, text);
}

void tree_init(struct tree *tree)
{
	strcpy(tree->root, "/tmp/arcvisor-ctl-XXXXXX");
	cr_assert_not_null(mkdtemp(tree->root));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_fini(struct tree *tree)
{
	nftw(tree->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void tree_write(struct tree *tree, const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", tree->root, path);
	for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "we");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}
