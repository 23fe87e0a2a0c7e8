/* SPDX-License-Identifier: Apache-2.0 */
/* What --on-crash asks for, on the loop's thread: the vCPU that crashed has reported it and ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dump/elf_core.h"
#include "machine.h"

#define DUMP_NAME_SIZE 32

/* -errno of the first vCPU whose registers cannot be had. */
static int read_vcpus(struct vm *vm, struct vcpu_regs *regs)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < vm->config->cpus; i++)
		ret = vcpu_set_get_regs(vm->guest->vcpus, i, &regs[i]);
	return ret;
}

/* The file has all that the guest knew: for its owner alone. */
static int write_dump(struct vm *vm, const char *path, const struct vcpu_regs *regs)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	int ret;

	if (fd < 0)
		return -errno;
	ret = elf_core_write(fd, &vm->guest->mem, regs, vm->config->cpus);
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

static int dump_to(struct vm *vm, const char *path)
{
	struct vcpu_regs *regs = calloc(vm->config->cpus, sizeof(*regs));
	int ret = regs ? read_vcpus(vm, regs) : -ENOMEM;

	if (ret == 0)
		ret = write_dump(vm, path, regs);
	free(regs);
	return ret;
}

static void dump(struct vm *vm)
{
	const char *path = vm->config->dump_file;
	char name[DUMP_NAME_SIZE];
	int ret;

	if (!path) {
		snprintf(name, sizeof(name), "arcvisor.%d.core", (int)getpid());
		path = name;
	}
	vcpu_set_pause(vm->guest->vcpus);
	ret = dump_to(vm, path);
	if (ret < 0)
		log_error("%s: cannot write the crashed guest's core: %s; name a file that can "
			  "hold its memory with --dump-file",
			  path, strerror(-ret));
	else
		log_warn("%s has the crashed guest's memory and registers; open it with "
			 "gdb-multiarch -c %s",
			 path, path);
}

/* From here on the guest's end counts anew, but for what was asked of the machine meanwhile. */
static bool keep(struct vm *vm)
{
	vm_pause(vm);
	if (vm->stopping || atomic_load(&vm->asked))
		return false;
	vm->crashed = true;
	atomic_store(&vm->end, MACHINE_RUNNING);
	log_warn("the crashed guest is kept, paused; SIGTERM or Ctrl-A x ends it");
	return true;
}

bool vm_crash_keeps(struct vm *vm)
{
	if (atomic_load(&vm->end) != MACHINE_CRASH)
		return false;
	switch (vm->config->on_crash) {
	case VM_CRASH_PAUSE:
		return keep(vm);
	case VM_CRASH_DUMP:
		dump(vm);
		break;
	case VM_CRASH_EXIT:
		break;
	}
	return false;
}
