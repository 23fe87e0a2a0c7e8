/* SPDX-License-Identifier: Apache-2.0 */
/*
 * like-docker COMMAND [ARG]...: runs it without those system calls that Docker's default seccomp
 * profile keeps from a container, as far as they could matter to a build or a test. Docker lists
 * what is allowed; this lists what is not, and leaves the rest alone.
 */
#include <errno.h>
#include <linux/personality.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const refused[] = {
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"add_key",
	"bpf",
	"clock_settime",
	"delete_module",
	"finit_module",
	"init_module",
	"keyctl",
	"mount",
	"open_by_handle_at",
	"perf_event_open",
	"pivot_root",
	"quotactl",
	"reboot",
	"request_key",
	"setns",
	"settimeofday",
	"swapon",
	"syslog",
	"umount2",
	"unshare",
	"userfaultfd",
};

/* An address space that is not random, which sanitizers ask for; 0xffffffff only asks. */
#define PERSONALITY_MASK (ADDR_NO_RANDOMIZE | 0x80000000u)

static int fill(scmp_filter_ctx filter)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(refused) / sizeof(refused[0]); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				       seccomp_syscall_resolve_name(refused[i]), 0);
	if (ret == 0)
		ret = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, PERSONALITY_MASK, ADDR_NO_RANDOMIZE));
	/* Its flags are in memory, where no filter can look: callers fall back to clone(2). */
	return ret ? ret : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int ret = filter ? fill(filter) : -ENOMEM;

	if (argc < 2) {
		fprintf(stderr, "like-docker: no command\n");
		return 2;
	}
	if (ret == 0)
		ret = seccomp_load(filter);
	if (ret < 0) {
		fprintf(stderr, "like-docker: no filter: %s\n", strerror(-ret));
		return 125;
	}
	seccomp_release(filter);
	execvp(argv[1], argv + 1);
	fprintf(stderr, "like-docker: %s: %s\n", argv[1], strerror(errno));
	return 127;
}
