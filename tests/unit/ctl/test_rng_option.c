/* SPDX-License-Identifier: Apache-2.0 */
/* --rng: what it comes to, and what is refused. */
#include <criterion/criterion.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct rng_config *parse_rng(const char *value)
{
	char words[64];

	snprintf(words, sizeof(words), "%s", value);
	parse(&outcome, RUN, "--rng", words);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	return &outcome.config.rng;
}

Test(rng_option, on_without_a_word)
{
	parse(&outcome, RUN);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert(outcome.config.rng.on);
	cr_assert_eq(outcome.config.rng.rate, 0);
}

Test(rng_option, on_off_and_a_rate)
{
	cr_expect(parse_rng("on")->on);
	cr_expect_not(parse_rng("off")->on);
	cr_expect(parse_rng("rate=1000")->on);
	cr_expect_eq(parse_rng("rate=1000")->rate, 1000);
	cr_expect_eq(parse_rng("on,rate=64K")->rate, 65536);
	cr_expect_eq(parse_rng("rate=1M,on")->rate, 1 << 20);
}

Test(rng_option, refused)
{
	static const struct {
		const char *value, *line;
	} cases[] = {
		{ "", "--rng: \"\": give on, off or rate=BYTES, such as rate=64K" },
		{ "yes", "--rng: \"yes\": give on, off or rate=BYTES, such as rate=64K" },
		{ "rate=0", "--rng: \"rate=0\": give on, off or rate=BYTES, such as rate=64K" },
		{ "on,rate=", "--rng: \"rate=\": give on, off or rate=BYTES, such as rate=64K" },
		{ "on,", "--rng: \"\": give on, off or rate=BYTES, such as rate=64K" },
		{ "off,rate=1", "--rng: off has no rate; leave one of them out" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[64];

		snprintf(words, sizeof(words), "%s", cases[i].value);
		assert_refused(cases[i].line, RUN, "--rng", words);
	}
}
