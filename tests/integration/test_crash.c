/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash on real KVM. No guest is known that makes KVM give up on it, so the backend here does: it
 * runs the guest on KVM until it stores to an address where there is nothing, and calls that an
 * internal error. Registers and memory, report and core file are those of a real guest.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "boot/layout.h"
#include "vm/vm.h"

#define IMAGE_PATH "/tmp/crash.img"
#define CORE_PATH  "crash.core" /* stays: tests/integration/check-core reads it elsewhere */
#define LOG_PATH   "/tmp/crash.log"
#define HOLE	   0x0f000000u

/*
 * An arm64 Image (booting.rst) whose code, at its byte 64, is
 *
 *	mov	x19, #0xbeef
 *	mov	x1, #0x0f000000
 *	mov	x2, #0x1234
 *	str	x2, [x1]
 *	b	.
 */
static const uint32_t guest_code[] = { 0xd297ddf3, 0xd2a1e001, 0xd2824682, 0xf9000022, 0x14000000 };

static int (*run_on_kvm)(struct backend_vcpu *vcpu, struct vcpu_exit *exit);

static int run_to_crash(struct backend_vcpu *vcpu, struct vcpu_exit *exit)
{
	int ret = run_on_kvm(vcpu, exit);

	if (ret == 0 && exit->kind == VCPU_EXIT_MMIO && exit->mmio.addr == HOLE)
		*exit = (struct vcpu_exit){
			.kind = VCPU_EXIT_INTERNAL_ERROR,
			.internal = { .suberror = 77 },
		};
	return ret;
}

static void write_image(void)
{
	uint8_t image[4096] = { 0 };
	const uint32_t branch = 0x14000010; /* b .+64 */
	const uint64_t image_size = sizeof(image), flags = 0xa;
	int fd = open(IMAGE_PATH, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	memcpy(image, &branch, 4);
	memcpy(image + 16, &image_size, 8);
	memcpy(image + 24, &flags, 8);
	memcpy(image + 56, "ARM\x64", 4);
	memcpy(image + 64, guest_code, sizeof(guest_code));
	cr_assert_eq(write(fd, image, sizeof(image)), (ssize_t)sizeof(image));
	close(fd);
}

/* Runs it to its end; its log is in LOG_PATH then. */
static enum machine_end run_machine(void)
{
	struct backend_ops ops = backend_kvm;
	struct vm_config config = {
		.kernel = IMAGE_PATH,
		.cpus = 2,
		.memory = 32 << 20,
		.on_crash = VM_CRASH_DUMP,
		.dump_file = CORE_PATH,
		.console = { .kind = CONSOLE_NONE },
	};
	enum machine_end end = MACHINE_RUNNING;
	int log = open(LOG_PATH, O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct vm *vm;

	run_on_kvm = ops.vcpu_run;
	ops.vcpu_run = run_to_crash;
	dup2(log, STDERR_FILENO);
	close(log);
	cr_assert_eq(vm_create(&ops, &config, &vm), 0);
	cr_assert_eq(vm_run(vm, &end), 0);
	vm_destroy(vm);
	return end;
}

static void expect_log(const char *want)
{
	static char text[16384];
	int fd = open(LOG_PATH, O_RDONLY);

	text[read(fd, text, sizeof(text) - 1)] = '\0';
	close(fd);
	cr_expect(strstr(text, want), "no \"%s\" in:\n%s", want, text);
}

static void check_core(void)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Phdr note, load;
	} head;
	uint64_t regs[34];
	uint32_t code[5];
	int fd = open(CORE_PATH, O_RDONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, &head, sizeof(head)), (ssize_t)sizeof(head));
	/* NT_PRPSINFO, then the first NT_PRSTATUS up to its registers. */
	cr_assert_eq(pread(fd, regs, sizeof(regs), (off_t)head.note.p_offset + 156 + 20 + 112),
		     (ssize_t)sizeof(regs));
	cr_expect_eq(regs[1], HOLE);
	cr_expect_eq(regs[2], 0x1234);
	cr_expect_eq(regs[19], 0xbeef);
	cr_expect_eq(regs[32], LAYOUT_RAM_BASE + 64 + 12, "PC 0x%llx",
		     (unsigned long long)regs[32]);
	cr_expect_eq(head.load.p_paddr, LAYOUT_RAM_BASE);
	cr_assert_eq(pread(fd, code, sizeof(code), (off_t)head.load.p_offset + 64),
		     (ssize_t)sizeof(code));
	cr_expect(!memcmp(code, guest_code, sizeof(code)));
	close(fd);
}

Test(crash, is_reported_and_dumped)
{
	write_image();
	cr_expect_eq(run_machine(), MACHINE_CRASH);
	expect_log("vCPU 0 stops: internal error: suberror 77");
	expect_log("X19       000000000000beef");
	expect_log("code around PC: 00000000 d297ddf3 d2a1e001 d2824682 [f9000022] 14000000");
	expect_log("gdb-multiarch -c " CORE_PATH);
	check_core();
}
