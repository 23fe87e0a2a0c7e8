/* SPDX-License-Identifier: Apache-2.0 */
/* Parse, run, exit status. The only file that decides one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/cmdline.h"
#include "ctl/doctor.h"
#include "vm/vm.h"

static enum exit_status status_of(enum machine_end end)
{
	switch (end) {
	case MACHINE_RESET:
		return STATUS_RESET;
	case MACHINE_CRASH:
		return STATUS_CRASH;
	case MACHINE_WATCHDOG:
		return STATUS_WATCHDOG;
	case MACHINE_TIMEOUT:
		return STATUS_TIMEOUT;
	case MACHINE_RUNNING:
	case MACHINE_OFF:
	case MACHINE_QUIT:
		break;
	}
	return STATUS_OFF;
}

static enum exit_status run(const struct vm_config *config)
{
	enum machine_end end = MACHINE_RUNNING;
	struct vm *vm;
	int ret;

	if (vm_create(&backend_kvm, config, &vm) < 0)
		return STATUS_USAGE;
	ret = vm_run(vm, &end);
	vm_destroy(vm);
	/* A packed kernel shows its damage where it is unpacked: into the guest's memory. */
	if (ret == -ENOEXEC)
		return STATUS_USAGE;
	return ret < 0 ? STATUS_ERROR : status_of(end);
}

/*
 * Started with a standard descriptor closed, the next file that is opened would take its number,
 * and the guest's console or a log line could end in it.
 */
static int hold_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct vm_config config;

	if (hold_standard_fds() < 0)
		return STATUS_ERROR;
	switch (cmdline_parse(argc, argv, &config)) {
	case COMMAND_RUN:
		return (int)run(&config);
	case COMMAND_DOCTOR:
		return doctor(&backend_kvm, stdout);
	case COMMAND_CTL:
		return client_ctl(argc - 1, argv + 1, stdout);
	case COMMAND_STOP:
		return client_stop(argc - 1, argv + 1, stdout);
	case COMMAND_DONE:
		return STATUS_OFF;
	case COMMAND_BAD:
		break;
	}
	return STATUS_USAGE;
}
