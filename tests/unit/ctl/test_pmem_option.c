/* SPDX-License-Identifier: Apache-2.0 */
/* --pmem: what it comes to, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct pmem_config *parse_pmem(const char *value)
{
	char words[128];

	snprintf(words, sizeof(words), "%s", value);
	parse(&outcome, RUN, "--pmem", words);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_pmems, 1);
	return &outcome.config.pmems[0];
}

Test(pmem_option, read_only_unless_it_says_rw)
{
	const struct pmem_config *pmem = parse_pmem("root.img");

	cr_expect_str_eq(pmem->id, "pmem0");
	cr_expect_not(pmem->writable);
	cr_expect_not(parse_pmem("root.img,ro")->writable);
	pmem = parse_pmem("root.img,id=root-1,rw");
	cr_expect(pmem->writable);
	cr_expect_str_eq(pmem->id, "root-1");
}

Test(pmem_option, a_doubled_comma_is_of_the_path)
{
	char words[] = "a,,b,rw";

	parse(&outcome, RUN, "--pmem", words);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_expect_str_eq(outcome.config.pmems[0].path, "a,b");
}

Test(pmem_option, several)
{
	char first[] = "a,id=pmem1", second[] = "b", third[] = "c";

	parse(&outcome, RUN, "--pmem", first, "--pmem", second, "--pmem", third);
	cr_assert_eq(outcome.config.nr_pmems, 3);
	cr_expect_str_eq(outcome.config.pmems[0].id, "pmem1");
	cr_expect_str_eq(outcome.config.pmems[1].id, "pmem0");
	cr_expect_str_eq(outcome.config.pmems[2].id, "pmem2");
}

Test(pmem_option, refused)
{
	static const struct {
		const char *value, *line;
	} cases[] = {
		{ "", "--pmem: the path is empty; name a raw image" },
		{ "--disk", "--pmem needs a file before --disk; a file of that name is ./--disk" },
		{ "a,", "--pmem a: \"\" is no option of it; give ro, rw or id=NAME" },
		{ "a,readonly", "--pmem a: \"readonly\" is no option of it; give ro, rw or "
				"id=NAME" },
		{ "a,ro,rw", "--pmem a: ro or rw is given twice; give one" },
		{ "a,id=x,id=y", "--pmem a: id is given twice; give one" },
		{ "a,id=", "--pmem a: id=: give 1 to 32 letters, digits, _ . or -" },
		{ "a,id=b c", "--pmem a: id=b c: give 1 to 32 letters, digits, _ . or -" },
		{ "a,id=123456789012345678901234567890123",
		  "--pmem a: id=123456789012345678901234567890123: give 1 to 32 letters, digits, _ "
		  ". or -" },
	};
	char first[] = "a,id=x", second[] = "b,id=x";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[128];

		snprintf(words, sizeof(words), "%s", cases[i].value);
		assert_refused(cases[i].line, RUN, "--pmem", words);
	}
	assert_refused("--pmem b: id=x is another's; give each its own", RUN, "--pmem", first,
		       "--pmem", second);
	assert_refused("--pmem i: a machine has at most 8 pmem devices; leave some out", RUN,
		       "--pmem", "a", "--pmem", "b", "--pmem", "c", "--pmem", "d", "--pmem", "e",
		       "--pmem", "f", "--pmem", "g", "--pmem", "h", "--pmem", "i");
}
