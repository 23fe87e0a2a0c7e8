/* SPDX-License-Identifier: Apache-2.0 */
/* Each bad command line has one line that names option, value, limit and remedy. */
#include <criterion/criterion.h>

#include "support.h"

Test(refusals, no_command_prints_usage)
{
	struct outcome outcome;

	parse(&outcome);
	cr_assert_eq(outcome.command, COMMAND_BAD);
	cr_assert_str_empty(outcome.out);
	cr_assert_str_eq(outcome.err, "usage: arcvisor run --kernel FILE [OPTION]...\n"
				      "       arcvisor doctor\n"
				      "       arcvisor ctl [--json] PATH COMMAND [NAME=VALUE]...\n"
				      "       arcvisor stop PATH\n"
				      "       arcvisor help [COMMAND]\n");
}

Test(refusals, unknown_command)
{
	assert_refused(
		"\"start\" is no command; commands are run, doctor, ctl, stop and help, as in "
		"arcvisor run --kernel FILE",
		"start");
}

Test(refusals, option_without_command)
{
	assert_refused(
		"\"--kernel\" is no command; commands are run, doctor, ctl, stop and help, as in "
		"arcvisor run --kernel FILE",
		"--kernel", "Image");
}

Test(refusals, no_kernel)
{
	assert_refused("run needs --kernel FILE, an arm64 Image; try arcvisor run --help", "run");
}

Test(refusals, unknown_long_option)
{
	assert_refused("run has no option --disc; try arcvisor run --help", "run", "--disc", "a");
	assert_refused("run has no option --disc; try arcvisor run --help", "run", "--disc=a");
}

Test(refusals, unknown_short_option)
{
	assert_refused("run has no option -z; try arcvisor run --help", "run", "-z");
	assert_refused("run has no option -z; try arcvisor run --help", "run", "-qz");
}

Test(refusals, option_of_another_command)
{
	assert_refused("doctor has no option --kernel; try arcvisor doctor --help", "doctor",
		       "--kernel", "Image");
}

Test(refusals, ambiguous_beginning_of_an_option)
{
	assert_refused("run has no option --c; try arcvisor run --help", "run", "--c", "2");
}

Test(refusals, missing_value)
{
	assert_refused("--memory needs a value, such as --memory 2G", "run", "--memory");
	assert_refused("--memory needs a value, such as --memory 2G", "run", "-m");
	assert_refused("--append needs a value, such as --append console=ttyAMA0", "run",
		       "--append");
}

Test(refusals, value_that_is_not_taken)
{
	assert_refused("--quiet takes no value; leave out what follows the =", "run", "--quiet=1");
}

Test(refusals, option_taken_for_a_path)
{
	assert_refused("--kernel needs a file before --initrd; a file of that name is ./--initrd",
		       "run", "--kernel", "--initrd", "rd");
}

Test(refusals, stray_argument)
{
	assert_refused("run takes no argument \"Image\"; try arcvisor run --help", "run", "Image");
	assert_refused("run takes no argument \"x\"; try arcvisor run --help", "run", "-k", "Image",
		       "--", "x");
	assert_refused("doctor takes no argument \"x\"; try arcvisor doctor --help", "doctor", "x");
}

Test(refusals, stray_argument_before_what_follows_it)
{
	assert_refused("run takes no argument \"x\"; try arcvisor run --help", "run", "x",
		       "--disc");
}

Test(refusals, repeated_option)
{
	assert_refused("--cpus 3: given before; give it once", "run", "--cpus", "2", "--cpus", "3");
	assert_refused("--cpus 3: given before; give it once", "run", "--cpus=2", "-c3");
}

Test(refusals, repeated_by_its_other_name)
{
	assert_refused("--append b: given before; give it once", "run", "--cmdline", "a",
		       "--append", "b");
	assert_refused("--cmdline b: given before; give it once", "run", "--append", "a",
		       "--cmdline", "b");
}

Test(refusals, stop_timeouts_that_are_none)
{
	assert_refused("--stop-timeout \"\": give seconds, 0 to 86400", "run", "--stop-timeout",
		       "");
	assert_refused("--stop-timeout \"-1\": give seconds, 0 to 86400", "run",
		       "--stop-timeout=-1");
	assert_refused("--stop-timeout \"5m\": give seconds, 0 to 86400", "run", "--stop-timeout",
		       "5m");
	assert_refused("--stop-timeout \"86401\": give seconds, 0 to 86400", "run",
		       "--stop-timeout", "86401");
	assert_refused("--stop-timeout \"99999999999999999999\": give seconds, 0 to 86400", "run",
		       "--stop-timeout", "99999999999999999999");
}

Test(refusals, quiet_with_verbose)
{
	assert_refused("--quiet and --verbose exclude each other; give one of them", "run", "-k",
		       "Image", "-qv");
}

Test(refusals, empty_path)
{
	assert_refused("--kernel: the path is empty; name a file", "run", "--kernel", "");
	assert_refused("--initrd: the path is empty; name a file", "run", "--initrd=");
	assert_refused("--dtb-dump: the path is empty; name a file", "run", "--dtb-dump", "");
	assert_refused("--console: the path is empty; name a file", "run", "--console", "");
}

Test(refusals, cpus_out_of_range)
{
	assert_refused("--cpus 0: out of range; give 1 to 512", "run", "--cpus", "0");
	assert_refused("--cpus 513: out of range; give 1 to 512", "run", "--cpus", "513");
	assert_refused("--cpus 4294967297: out of range; give 1 to 512", "run", "--cpus",
		       "4294967297");
	assert_refused("--cpus 18446744073709551617: out of range; give 1 to 512", "run", "--cpus",
		       "18446744073709551617");
}

Test(refusals, cpus_not_a_number)
{
	assert_refused("--cpus \"abc\": not a number; give 1 to 512", "run", "--cpus", "abc");
	assert_refused("--cpus \"4x\": not a number; give 1 to 512", "run", "--cpus", "4x");
	assert_refused("--cpus \"-1\": not a number; give 1 to 512", "run", "--cpus=-1");
	assert_refused("--cpus \"\": not a number; give 1 to 512", "run", "--cpus", "");
}

Test(refusals, memory_not_a_size)
{
	assert_refused("--memory \"1X\": not a size; give MiB, or a number with K, M, G or T, "
		       "such as 2G",
		       "run", "--memory", "1X");
}

Test(refusals, memory_too_little)
{
	assert_refused("--memory 0: too little; give 32M or more (no suffix means MiB)", "run",
		       "--memory", "0");
	assert_refused("--memory 31M: too little; give 32M or more (no suffix means MiB)", "run",
		       "-m", "31M");
}

Test(refusals, memory_too_much)
{
	assert_refused("--memory 256T: too much; give 255T or less (no suffix means MiB)", "run",
		       "--memory", "256T");
	assert_refused("--memory 99999999999999999999: too much; give 255T or less (no suffix "
		       "means MiB)",
		       "run", "--memory", "99999999999999999999");
}

Test(refusals, memory_not_whole_mib)
{
	assert_refused("--memory 40000K: not whole MiB; give 39M", "run", "--memory", "40000K");
}

Test(refusals, on_reset_unknown_word)
{
	assert_refused("--on-reset \"halt\": give reboot or exit", "run", "--on-reset", "halt");
	assert_refused("--watchdog \"poweroff\": give reset, exit, pause or off", "run",
		       "--watchdog", "poweroff");
	assert_refused("--on-crash \"halt\": give exit, pause or dump", "run", "--on-crash",
		       "halt");
	assert_refused("--dump-file: the path is empty; name a file", "run", "--dump-file", "");
}

Test(refusals, help_of_no_command)
{
	assert_refused("no help for \"start\"; try arcvisor --help", "help", "start");
}

Test(refusals, help_of_two_commands)
{
	assert_refused("help takes one command, and \"doctor\" is too much; leave it out", "help",
		       "run", "doctor");
}
