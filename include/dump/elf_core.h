/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's memory and registers as an ELF core file (System V ABI, ET_CORE; the notes as Linux
 * writes them for arm64), which gdb and crash(8) open.
 *
 * One PT_LOAD a region of guest memory, its guest physical addresses as p_paddr and p_vaddr, and
 * for each vCPU an NT_PRSTATUS, a thread to a debugger: thread N + 1 is vCPU N. The stack pointer
 * is the one in use. Memory that is zero or was never touched is a hole of the file.
 */
#ifndef ARCVISOR_DUMP_ELF_CORE_H
#define ARCVISOR_DUMP_ELF_CORE_H

#include "backend/backend.h"
#include "mem/gmem.h"

/*
 * Writes a core to @fd, a regular file open for writing and empty. No vCPU may run. Takes as long
 * as it takes to read all memory that was touched. 0, or -errno: -ENOMEM, or what pwrite(2),
 * ftruncate(2) or lseek(2) said; the file is then of no use.
 */
int elf_core_write(int fd, const struct gmem *mem, const struct vcpu_regs *vcpus,
		   unsigned int nr_vcpus);

#endif
