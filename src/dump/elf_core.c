/* SPDX-License-Identifier: Apache-2.0 */
/* ELF core files: header, program headers, notes, then guest memory with holes. */
#include "dump/elf_core.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

#define CORE_ALIGN 0x10000u /* where memory begins in the file: a page of any arm64 host */
#define CORE_CHUNK 0x10000u /* of memory, looked at and written or left out at once */
#define NOTE_NAME  "CORE"

/* An entry of /proc/PID/pagemap, of a page that is there, or swapped out (Linux
 * admin-guide/mm/pagemap.rst). */
#define PAGEMAP_TOUCHED (BIT64(63) | BIT64(62))
#define PAGEMAP_ENTRIES 512u /* read at once */

/* struct elf_prstatus of arm64 (Linux include/linux/elfcore.h), whatever this machine is. */
struct core_prstatus {
	int32_t signo, code, error;
	int16_t cursig;
	uint64_t sigpend, sighold;
	int32_t pid, ppid, pgrp, sid;
	uint64_t times[8];
	uint64_t x[31], sp, pc, pstate;
	int32_t fpvalid;
};

static_assert(sizeof(struct core_prstatus) == 392, "as gdb has it");

/* struct elf_prpsinfo of arm64. */
struct core_prpsinfo {
	char state, sname, zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, ppid, pgrp, sid;
	char fname[16];
	char psargs[80];
};

static_assert(sizeof(struct core_prpsinfo) == 136, "as gdb has it");

/* A note with what it describes; each part is a multiple of 4 bytes (System V ABI, "Note Section").
 */
struct note_head {
	Elf64_Nhdr head;
	char name[8]; /* "CORE" and its zero byte, padded */
};

struct prstatus_note {
	struct note_head head;
	struct core_prstatus status;
} __attribute__((packed, aligned(4)));

struct prpsinfo_note {
	struct note_head head;
	struct core_prpsinfo info;
} __attribute__((packed, aligned(4)));

/* All that precedes memory. */
struct core_head {
	Elf64_Ehdr elf;
	Elf64_Phdr note;
	Elf64_Phdr load[GMEM_MAX_REGIONS];
	struct prpsinfo_note info;
	struct prstatus_note vcpus[];
};

static struct note_head note_head(uint32_t type, size_t size)
{
	return (struct note_head){
		.head = { sizeof(NOTE_NAME), (uint32_t)size, type },
		.name = NOTE_NAME,
	};
}

static void fill_vcpu(struct prstatus_note *note, unsigned int index, const struct vcpu_regs *regs)
{
	struct core_prstatus status = {
		.pid = (int32_t)index + 1,
		.sp = regs->pstate & PSTATE_SP ? regs->sp_el1 : regs->sp,
		.pc = regs->pc,
		.pstate = regs->pstate,
	};

	memcpy(status.x, regs->x, sizeof(status.x));
	note->head = note_head(NT_PRSTATUS, sizeof(status));
	note->status = status;
}

static void fill_info(struct prpsinfo_note *note)
{
	note->head = note_head(NT_PRPSINFO, sizeof(note->info));
	note->info = (struct core_prpsinfo){
		.sname = 'R',
		.pid = 1,
		.fname = "guest",
		.psargs = "an arcvisor guest",
	};
}

static void fill_elf(struct core_head *core, unsigned int nr_regions)
{
	core->elf = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = EM_AARCH64,
		.e_version = EV_CURRENT,
		.e_phoff = offsetof(struct core_head, note),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)(1 + nr_regions),
	};
}

/* Where memory goes: regions one after another from @offset; the file's size. */
static uint64_t fill_loads(struct core_head *core, const struct gmem *mem, uint64_t offset)
{
	for (unsigned int i = 0; i < mem->nr_regions; i++) {
		const struct gmem_region *region = &mem->regions[i];

		align_up(offset, CORE_ALIGN, &offset);
		core->load[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = offset,
			.p_vaddr = region->base,
			.p_paddr = region->base,
			.p_filesz = region->size,
			.p_memsz = region->size,
			.p_align = CORE_ALIGN,
		};
		offset += region->size;
	}
	return offset;
}

static int write_at(int fd, uint64_t offset, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	while (len) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		from += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

/* Writes bytes [@from, @to) of a region, but for chunks of zeroes. */
static int write_range(int fd, uint64_t offset, const struct gmem_region *region, uint64_t from,
		       uint64_t to)
{
	int ret = 0;

	while (ret == 0 && from < to) {
		size_t len = to - from < CORE_CHUNK ? (size_t)(to - from) : CORE_CHUNK;

		if (!is_zero(region->host + from, len))
			ret = write_at(fd, offset + from, region->host + from, len);
		from += len;
	}
	return ret;
}

/* A page of a pool that is looked at and not there is taken, or SIGBUS where there is none. */
static bool is_touched(const struct gmem_region *region, uint64_t at)
{
	unsigned char there = 0;

	return mincore(region->host + at, 1, &there) == 0 && (there & 1);
}

/* Of pages of a pool. */
static int next_of_pool(const struct gmem_region *region, uint64_t *from, uint64_t *to)
{
	while (*from < region->size && !is_touched(region, *from))
		*from += region->page;
	*to = *from + region->page;
	return *from < region->size;
}

/* The number of @entries, of @nr, that begin with it and are touched, or are not. */
static unsigned int count_run(const uint64_t *entries, unsigned int nr, bool touched)
{
	unsigned int run = 0;

	while (run < nr && !!(entries[run] & PAGEMAP_TOUCHED) == touched)
		run++;
	return run;
}

/* Of private memory, which no file tells of. Where @pagemap does not either, it is all of it. */
static int next_private(int pagemap, const struct gmem_region *region, uint64_t *from, uint64_t *to)
{
	uint64_t entries[PAGEMAP_ENTRIES];

	while (*from < region->size) {
		uint64_t left = (region->size - *from) / region->page;
		size_t nr = left < PAGEMAP_ENTRIES ? (size_t)left : PAGEMAP_ENTRIES;
		uint64_t at = (uintptr_t)(region->host + *from) / region->page * sizeof(*entries);
		ssize_t got = pread(pagemap, entries, nr * sizeof(*entries), (off_t)at);
		unsigned int known = got > 0 ? (unsigned int)((size_t)got / sizeof(*entries)) : 0;
		unsigned int skip = count_run(entries, known, false);

		*to = region->size;
		if (!known)
			return 1;
		*from += skip * region->page;
		if (skip == known)
			continue;
		*to = *from + count_run(entries + skip, known - skip, true) * region->page;
		return 1;
	}
	return 0;
}

/* Of pages of the host's usual size in a file. */
static int next_of_file(const struct gmem_region *region, uint64_t *from, uint64_t *to)
{
	off_t data = lseek(region->fd, (off_t)*from, SEEK_DATA), hole;

	if (data < 0)
		return errno == ENXIO ? 0 : -errno;
	hole = lseek(region->fd, data, SEEK_HOLE);
	if (hole < 0)
		return -errno;
	*from = (uint64_t)data;
	*to = (uint64_t)hole < region->size ? (uint64_t)hole : region->size;
	return 1;
}

/* The next part of a region at or after @from that was touched: 1 with its ends, 0 for none. */
static int next_data(int pagemap, const struct gmem_region *region, uint64_t *from, uint64_t *to)
{
	if (*from >= region->size)
		return 0;
	if (region->fd < 0)
		return next_private(pagemap, region, from, to);
	return region->page > (uint64_t)sysconf(_SC_PAGESIZE) ? next_of_pool(region, from, to)
							      : next_of_file(region, from, to);
}

static int write_region(int fd, uint64_t offset, const struct gmem_region *region)
{
	int pagemap = region->fd < 0 ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
	uint64_t from = 0, to = 0;
	int ret;

	while ((ret = next_data(pagemap, region, &from, &to)) > 0) {
		ret = write_range(fd, offset, region, from, to);
		if (ret < 0)
			break;
		from = to;
	}
	if (pagemap >= 0)
		close(pagemap);
	return ret;
}

static int write_core(int fd, struct core_head *core, const struct gmem *mem,
		      const struct vcpu_regs *vcpus, unsigned int nr_vcpus)
{
	size_t notes = sizeof(core->info) + nr_vcpus * sizeof(core->vcpus[0]);
	size_t head = offsetof(struct core_head, info) + notes;
	uint64_t size;
	int ret;

	fill_elf(core, mem->nr_regions);
	core->note = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = offsetof(struct core_head, info),
		.p_filesz = notes,
		.p_align = 4,
	};
	size = fill_loads(core, mem, head);
	fill_info(&core->info);
	for (unsigned int i = 0; i < nr_vcpus; i++)
		fill_vcpu(&core->vcpus[i], i, &vcpus[i]);

	ret = write_at(fd, 0, core, head);
	/* A hole at the end is part of the file, too. */
	if (ret == 0 && ftruncate(fd, (off_t)size) < 0)
		ret = -errno;
	for (unsigned int i = 0; ret == 0 && i < mem->nr_regions; i++)
		ret = write_region(fd, core->load[i].p_offset, &mem->regions[i]);
	return ret;
}

int elf_core_write(int fd, const struct gmem *mem, const struct vcpu_regs *vcpus,
		   unsigned int nr_vcpus)
{
	struct core_head *core = calloc(1, sizeof(*core) + nr_vcpus * sizeof(struct prstatus_note));
	int ret;

	if (!core)
		return -ENOMEM;
	ret = write_core(fd, core, mem, vcpus, nr_vcpus);
	free(core);
	return ret;
}
