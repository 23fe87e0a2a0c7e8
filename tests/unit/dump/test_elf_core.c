/* SPDX-License-Identifier: Apache-2.0 */
/* Core files: what they hold, what they leave out, and that gdb reads them. */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "dump/elf_core.h"

#define LOW_BASE  0x40000000ull
#define LOW_SIZE  (4 * MIB)
#define HIGH_BASE 0x100000000ull
#define HIGH_SIZE (1 * GIB)
#define NR_VCPUS  3

static struct gmem mem;
static struct vcpu_regs regs[NR_VCPUS];
static char path[32];
static int fd;

static void setup(void)
{
	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, LOW_BASE, LOW_SIZE), 0);
	cr_assert_eq(gmem_add(&mem, HIGH_BASE, HIGH_SIZE), 0);
	for (uint32_t i = 0; i < 16; i++)
		gmem_write32(&mem, LOW_BASE + 0x1000 + 4 * i, 0xc0de0000 + i);
	gmem_write64(&mem, HIGH_BASE + HIGH_SIZE - 8, 0x1122334455667788);
	for (unsigned int n = 0; n < NR_VCPUS; n++) {
		for (unsigned int i = 0; i < 31; i++)
			regs[n].x[i] = 0x1000 * (n + 1) + i;
		regs[n].pc = LOW_BASE + 0x1000 + 4 * n;
		regs[n].sp = 0xaaa0 + n;
		regs[n].sp_el1 = 0xbbb0 + n;
		regs[n].pstate = n ? 0x3c5 : 0x3c0; /* EL1h; vCPU 0 is at EL0t */
	}
	strcpy(path, "/tmp/arcvisor-core-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
}

static void teardown(void)
{
	close(fd);
	unlink(path);
	gmem_fini(&mem);
}

TestSuite(elf_core, .init = setup, .fini = teardown);

static void write_core(void)
{
	cr_assert_eq(elf_core_write(fd, &mem, regs, NR_VCPUS), 0);
}

static void read_at(uint64_t offset, void *buf, size_t len)
{
	cr_assert_eq(pread(fd, buf, len, (off_t)offset), (ssize_t)len);
}

static Elf64_Phdr header(unsigned int n)
{
	Elf64_Phdr phdr;

	read_at(sizeof(Elf64_Ehdr) + n * sizeof(phdr), &phdr, sizeof(phdr));
	return phdr;
}

Test(elf_core, is_a_core_of_arm64)
{
	Elf64_Ehdr elf;

	write_core();
	read_at(0, &elf, sizeof(elf));
	cr_expect(!memcmp(elf.e_ident, ELFMAG, SELFMAG));
	cr_expect_eq(elf.e_ident[EI_CLASS], ELFCLASS64);
	cr_expect_eq(elf.e_ident[EI_DATA], ELFDATA2LSB);
	cr_expect_eq(elf.e_type, ET_CORE);
	cr_expect_eq(elf.e_machine, EM_AARCH64);
	cr_expect_eq(elf.e_phnum, 3);
	cr_expect_eq(elf.e_phentsize, sizeof(Elf64_Phdr));
	cr_expect_eq(elf.e_phoff, sizeof(elf));
}

Test(elf_core, has_memory_at_its_guest_addresses)
{
	Elf64_Phdr low, high;
	uint32_t code[16];
	uint64_t last;

	write_core();
	low = header(1);
	high = header(2);
	cr_expect_eq(low.p_type, PT_LOAD);
	cr_expect_eq(low.p_paddr, LOW_BASE);
	cr_expect_eq(low.p_vaddr, LOW_BASE);
	cr_expect_eq(low.p_filesz, LOW_SIZE);
	cr_expect_eq(high.p_paddr, HIGH_BASE);
	cr_expect_eq(high.p_memsz, HIGH_SIZE);
	cr_expect_eq(low.p_offset % low.p_align, low.p_vaddr % low.p_align);
	cr_expect_geq(high.p_offset, low.p_offset + LOW_SIZE);
	read_at(low.p_offset + 0x1000, code, sizeof(code));
	for (uint32_t i = 0; i < 16; i++)
		cr_expect_eq(code[i], 0xc0de0000 + i);
	read_at(high.p_offset + HIGH_SIZE - 8, &last, sizeof(last));
	cr_expect_eq(last, 0x1122334455667788);
}

Test(elf_core, has_every_vcpus_registers)
{
	Elf64_Phdr notes;
	uint64_t offset;

	write_core();
	notes = header(0);
	cr_assert_eq(notes.p_type, PT_NOTE);
	offset = notes.p_offset + 12 + 8 + 136; /* NT_PRPSINFO */
	for (unsigned int n = 0; n < NR_VCPUS; n++) {
		uint64_t values[34];
		Elf64_Nhdr note;
		int32_t pid;

		read_at(offset, &note, sizeof(note));
		cr_assert_eq(note.n_type, NT_PRSTATUS);
		cr_assert_eq(note.n_namesz, 5);
		cr_assert_eq(note.n_descsz, 392);
		read_at(offset + 20 + 32, &pid, sizeof(pid));
		read_at(offset + 20 + 112, values, sizeof(values));
		cr_expect_eq(pid, (int)n + 1);
		cr_expect(!memcmp(values, regs[n].x, sizeof(regs[n].x)));
		cr_expect_eq(values[31], n ? regs[n].sp_el1 : regs[n].sp);
		cr_expect_eq(values[32], regs[n].pc);
		cr_expect_eq(values[33], regs[n].pstate);
		offset += 20 + 392;
	}
	cr_expect_eq(offset, notes.p_offset + notes.p_filesz);
}

/* A touched GiB of zeroes costs as little as an untouched one. */
Test(elf_core, leaves_out_what_is_zero)
{
	struct stat st;

	cr_assert_eq(gmem_zero(&mem, LOW_BASE + MIB, 2 * MIB), 0);
	write_core();
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_geq((uint64_t)st.st_size, LOW_SIZE + HIGH_SIZE);
	cr_expect_lt(st.st_blocks * 512, 512 << 10, "%ld", (long)st.st_blocks);
}

/* What was not touched is not looked at, which would take page tables for all of it. */
Test(elf_core, has_private_memory)
{
	static const struct gmem_backing private = { .private = true, .huge = GMEM_HUGE_OFF };
	unsigned char there = 1;
	uint64_t word;

	gmem_fini(&mem);
	cr_assert_eq(gmem_add_backed(&mem, LOW_BASE, LOW_SIZE, &private), 0);
	cr_assert_eq(gmem_write64(&mem, LOW_BASE + LOW_SIZE - 8, 0x1122334455667788), 0);
	write_core();
	read_at(header(1).p_offset + LOW_SIZE - 8, &word, sizeof(word));
	cr_expect_eq(word, 0x1122334455667788);
	cr_assert_eq(mincore(mem.regions[0].host + LOW_SIZE / 2, 1, &there), 0);
	cr_expect_eq(there & 1, 0);
}

/* Nothing is taken from the pool to be looked at. */
Test(elf_core, has_memory_of_a_pool)
{
	static const struct gmem_backing pool = { .huge = GMEM_HUGE_POOL, .huge_size = 2 * MIB };
	struct stat st;
	uint64_t word;

	gmem_fini(&mem);
	if (gmem_add_backed(&mem, LOW_BASE, 8 * MIB, &pool) < 0)
		cr_skip_test("no free pages in a pool");
	cr_assert_eq(gmem_write64(&mem, LOW_BASE + 8 * MIB - 8, 0x1122334455667788), 0);
	write_core();
	read_at(header(1).p_offset + 8 * MIB - 8, &word, sizeof(word));
	cr_expect_eq(word, 0x1122334455667788);
	cr_assert_eq(fstat(mem.regions[0].fd, &st), 0);
	cr_expect_eq((uint64_t)st.st_blocks * 512, 2 * MIB);
}

Test(elf_core, a_full_disk_is_an_error)
{
	const struct rlimit limit = { 1 << 20, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_expect_eq(elf_core_write(fd, &mem, regs, NR_VCPUS), -EFBIG);
}

Test(elf_core, a_file_not_open_for_writing_is_an_error)
{
	int readonly = open(path, O_RDONLY | O_CLOEXEC);

	cr_expect_eq(elf_core_write(readonly, &mem, regs, NR_VCPUS), -EBADF);
	close(readonly);
}

#ifdef __SANITIZE_ADDRESS__ /* the native build; there is no gdb where the arm64 one runs */

/* What gdb prints for the core, all of it. */
static const char *gdb(void)
{
	static char text[16384];
	char command[512];
	FILE *out;

	snprintf(command, sizeof(command),
		 "gdb-multiarch -nx -batch -ex 'core-file %s' -ex 'info threads' "
		 "-ex 'info registers' -ex 'x/4xw 0x40001000' -ex 'thread 3' -ex 'p/x $pc' "
		 "-ex 'p/x $sp' -ex 'p/x $x30' -ex 'x/gx 0x13ffffff8' -ex 'x/i $pc' 2>&1",
		 path);
	out = popen(command, "r");
	cr_assert_not_null(out);
	text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
	cr_assert_eq(pclose(out), 0, "gdb-multiarch (tools/setup/setup.sh test): %s", text);
	return text;
}

static void expect_text(const char *text, const char *want)
{
	cr_expect(strstr(text, want), "no \"%s\" in:\n%s", want, text);
}

Test(elf_core, gdb_reads_registers_and_memory)
{
	const char *text;

	write_core();
	text = gdb();
	expect_text(text, "x30            0x101e");
	expect_text(text, "pc             0x40001000");
	expect_text(text, "sp             0xaaa0");
	expect_text(text, "0x40001000:\t0xc0de0000\t0xc0de0001\t0xc0de0002\t0xc0de0003");
	expect_text(text, "$1 = 0x40001008");
	expect_text(text, "$2 = 0xbbb2");
	expect_text(text, "$3 = 0x301e");
	expect_text(text, "0x13ffffff8:\t0x1122334455667788");
	expect_text(text, "=> 0x40001008:");
	expect_text(text, "LWP 3");
}

#endif
