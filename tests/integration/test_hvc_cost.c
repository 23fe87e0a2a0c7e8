/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a doorbell costs on real KVM, counted: one exit, no system call on a register, no signal.
 * The machine runs in this process, where every ioctl of its vCPU's thread is seen.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/hvc_blk.h"
#include "backend/backend.h"
#include "boot/layout.h"
#include "machine.h"
#include "vm/vm.h"

/* The host's null_blk, as tests/run-all loads it: a read ends where it is submitted. */
#define DEVICE	"/dev/nullb0"
#define CONSOLE "/tmp/hvc-cost.txt"
#define SINGLES 1000u /* as tests/guest/hvcblk_cost.c has them */
#define BATCHES 100u
#define DEPTH	32u

/* Of one queue, between its first doorbell and its last. */
struct counts {
	unsigned int doorbells;
	unsigned int exits;   /* that came after the first */
	unsigned int pending; /* exits since the latest doorbell */
	unsigned int ioctls;  /* while a doorbell was served */
	unsigned int signals; /* KVM_RUN ended with EINTR */
};

static struct counts counts[2];
static __thread struct counts *served; /* whose doorbell this thread serves */
static __thread struct counts *latest;

#ifdef __aarch64__ /* where tests run; others only look at their syntax */
/* Stands in for the C library's, through which src/ and backends/ make such calls. */
long syscall(long number, ...)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0");
	register long x1 __asm__("x1");
	register long x2 __asm__("x2");
	register long x3 __asm__("x3");
	register long x4 __asm__("x4");
	register long x5 __asm__("x5");
	long args[6];
	va_list list;

	if (number == SYS_ioctl && served)
		served->ioctls++;
	va_start(list, number);
	for (unsigned int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	x0 = args[0];
	x1 = args[1];
	x2 = args[2];
	x3 = args[3];
	x4 = args[4];
	x5 = args[5];
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	if (x0 < 0 && x0 >= -4095) {
		errno = (int)-x0;
		return -1;
	}
	return x0;
}
#endif

/* The queue whose doorbell the guest rang, by either way, or -1. */
static int doorbell(const struct vcpu_exit *exit)
{
	uint64_t queue = UINT64_MAX;

	if (exit->kind == VCPU_EXIT_SMCCC && exit->smccc.fid >= HVC_BLK_DOORBELL)
		queue = exit->smccc.fid - HVC_BLK_DOORBELL;
	else if (exit->kind == VCPU_EXIT_MMIO && exit->mmio.addr >= LAYOUT_HVC_BASE)
		queue = (exit->mmio.addr - LAYOUT_HVC_BASE) / 8;
	return queue < 2 ? (int)queue : -1;
}

static int (*run_on_kvm)(struct backend_vcpu *vcpu, struct vcpu_exit *exit);

static int run_and_count(struct backend_vcpu *vcpu, struct vcpu_exit *exit)
{
	int ret, queue;

	served = NULL;
	ret = run_on_kvm(vcpu, exit);
	if (latest)
		latest->pending++;
	if (latest && ret == 0 && exit->kind == VCPU_EXIT_INTERRUPTED)
		latest->signals++;
	queue = ret == 0 ? doorbell(exit) : -1;
	if (queue < 0)
		return ret;
	served = &counts[queue];
	if (latest == served)
		served->exits += served->pending;
	served->pending = 0;
	served->doorbells++;
	latest = served;
	return ret;
}

static void run_machine(const char *image)
{
	struct backend_ops ops = backend_kvm;
	struct vm_config config = {
		.kernel = image,
		.cpus = 1,
		.memory = 64 << 20,
		.console = { .kind = CONSOLE_FILE, .path = CONSOLE },
		.nr_disks = 1,
		.disks[0] = { .path = DEVICE,
			      .id = "disk0",
			      .direct = true,
			      .discard = true,
			      .via = DISK_VIA_HVC },
	};
	enum machine_end end = MACHINE_RUNNING;
	struct vm *vm;

	run_on_kvm = ops.vcpu_run;
	ops.vcpu_run = run_and_count;
	memset(counts, 0, sizeof(counts));
	cr_assert_eq(vm_create(&ops, &config, &vm), 0);
	cr_assert_eq(vm_run(vm, &end), 0);
	vm_destroy(vm);
	cr_expect_eq(end, MACHINE_OFF);
}

static void expect_counts(const struct counts *got, unsigned int doorbells)
{
	cr_expect_eq(got->doorbells, doorbells, "%u doorbells", got->doorbells);
	cr_expect_eq(got->exits, doorbells - 1, "%u exits after the first", got->exits);
	cr_expect_eq(got->ioctls, 0, "%u ioctls while doorbells were served", got->ioctls);
	cr_expect_eq(got->signals, 0, "%u times by a signal", got->signals);
}

static void expect_cost(const char *image)
{
	static char text[16384];
	FILE *file;

	if (access(DEVICE, R_OK) < 0)
		cr_skip_test("no " DEVICE " here");
	run_machine(image);
	file = fopen(CONSOLE, "r");
	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	cr_expect_null(strstr(text, "not ok"), "%s", text);
	cr_expect_not_null(strstr(text, "\ndone "), "%s", text);
	if (strstr(text, "skip all"))
		cr_skip_test("this host takes no calls");
	expect_counts(&counts[0], SINGLES);
	expect_counts(&counts[1], BATCHES);
	printf("# %s: %u exits for %u reads one by one, %u for %u by %u\n", image, SINGLES, SINGLES,
	       BATCHES, BATCHES * DEPTH, DEPTH);
}

Test(hvc_cost, one_exit_and_no_ioctl_a_doorbell_by_hvc)
{
	expect_cost(GUESTS "hvcblk_cost_hvc.img");
}
