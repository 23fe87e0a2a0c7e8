/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin of QEMU's that counts every instruction which the emulated machine executes, by address,
 * processor and world: the host's (kernel and programs) or a guest's of its KVM.
 *
 *   -plugin plugin.so,out=FILE,text=A,etext=B,enter=C,leave=D
 *
 * text and etext bound the host kernel's image, enter and leave its __guest_enter, in hexadecimal.
 * The host's image lies in memory where it lay at boot, and no guest executes it: whatever runs it
 * is the host. The host leaves for a guest by the ERET in __guest_enter alone, and what follows is
 * the guest's until the host's image runs again. That holds for programs and modules as well, whose
 * addresses tell nothing.
 *
 * Counting is on between two instructions that do nothing, which the measured program executes:
 * MOVZ XZR, #0xB001 and MOVZ XZR, #0xB002. At the second FILE gets what was counted, a line each:
 *
 *   begin
 *   count h|g PROCESSOR ADDRESS INSTRUCTIONS
 *   trace h|g PROCESSOR ADDRESS INSTRUCTIONS     the last ones, in order
 *   end
 *
 * A translation block counts whole when it begins. One that an exception ends early counts a few
 * instructions too many: compare the sum with the clock.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* QEMU's plugin interface, versions 2 to 4, as far as it is used here; no package has its header.
 */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	int smp_vcpus, max_vcpus;
};
typedef void (*tb_translated)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*executed)(unsigned int vcpu, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_translated cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed cb, int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed cb, int flags,
					    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 2
#endif
#define EXPORT __attribute__((visibility("default")))

EXPORT extern const int qemu_plugin_version;
EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info, int argc,
			       char **argv);

const int qemu_plugin_version = PLUGIN_VERSION;

#define MAX_VCPUS  8
#define BUCKETS	   (1u << 18)
#define TRACE_SIZE (1u << 17) /* a power of two */

#define MARK_START 0xd280001fu | 0xb001u << 5 /* MOVZ XZR, #0xB001 */
#define MARK_STOP  0xd280001fu | 0xb002u << 5
#define ERET	   0xd69f03e0u

enum world {
	HOST,
	GUEST,
	WORLDS,
};

struct block {
	uint64_t vaddr;
	const void *where; /* in the emulator's memory: tells two worlds' addresses apart */
	uint32_t nr;
	bool host, enters;
	struct block *next;
	uint64_t counts[MAX_VCPUS][WORLDS];
};

struct step {
	const struct block *block;
	uint8_t vcpu, world;
};

static struct block *buckets[BUCKETS];
static struct step trace[TRACE_SIZE];
static uint64_t nr_steps;
static enum world worlds[MAX_VCPUS];
static bool active, has_image;
static uint64_t text, etext, enter, leave;
static uint64_t image; /* where the host's image lies, less its address */
static const char *out;

static void on_block(unsigned int vcpu, void *data)
{
	struct block *block = data;

	if (block->host)
		worlds[vcpu] = HOST;
	if (active) {
		block->counts[vcpu][worlds[vcpu]]++;
		trace[nr_steps++ % TRACE_SIZE] =
			(struct step){ block, (uint8_t)vcpu, (uint8_t)worlds[vcpu] };
	}
	if (block->enters)
		worlds[vcpu] = GUEST;
}

static void on_start(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct block *block = buckets[i]; block; block = block->next)
			memset(block->counts, 0, sizeof(block->counts));
	nr_steps = 0;
	active = true;
}

static void print_counts(FILE *f)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (const struct block *block = buckets[i]; block; block = block->next)
			for (unsigned int v = 0; v < MAX_VCPUS; v++)
				for (unsigned int w = 0; w < WORLDS; w++)
					if (block->counts[v][w])
						fprintf(f,
							"count %c %u %016" PRIx64 " %" PRIu64 "\n",
							"hg"[w], v, block -> vaddr,
							block -> counts[v][w] * block -> nr);
}

static void print_trace(FILE *f)
{
	uint64_t i = nr_steps > TRACE_SIZE ? nr_steps - TRACE_SIZE : 0;

	for (; i < nr_steps; i++) {
		const struct step *step = &trace[i % TRACE_SIZE];

		fprintf(f, "trace %c %u %016" PRIx64 " %u\n", "hg"[step->world], step -> vcpu,
			step -> block -> vaddr, step -> block -> nr);
	}
}

static void on_stop(unsigned int vcpu, void *data)
{
	FILE *f;

	(void)vcpu;
	(void)data;
	if (!active)
		return;
	active = false;
	f = fopen(out, "a");
	if (!f) {
		fprintf(stderr, "plugin: cannot write %s\n", out);
		exit(1);
	}
	fputs("begin\n", f);
	print_counts(f);
	print_trace(f);
	fputs("end\n", f);
	fclose(f);
}

/* The first of the host's image that runs tells where it lies: no guest runs so early. */
static bool is_host(uint64_t vaddr, const void *where)
{
	if (vaddr < text || vaddr >= etext)
		return false;
	if (!has_image) {
		image = (uintptr_t)where - vaddr;
		has_image = true;
	}
	return (uintptr_t)where - vaddr == image;
}

static uint32_t word(const void *where)
{
	uint32_t value = 0;

	if (where)
		memcpy(&value, where, sizeof(value));
	return value;
}

static struct block *find(uint64_t vaddr, const void *where, uint32_t nr)
{
	uint64_t hash = (vaddr ^ (uintptr_t)where >> 3 ^ nr) * 0x9e3779b97f4a7c15ull;
	struct block **bucket = &buckets[hash >> 46], *block;

	for (block = *bucket; block; block = block->next)
		if (block->vaddr == vaddr && block->where == where && block->nr == nr)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block) {
		fputs("plugin: no memory\n", stderr);
		exit(1);
	}
	block->vaddr = vaddr;
	block->where = where;
	block->nr = nr;
	block->host = is_host(vaddr, where);
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint32_t nr = (uint32_t)qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, 0);
	struct block *block;

	(void)id;
	block = find(qemu_plugin_insn_vaddr(insn), qemu_plugin_insn_haddr(insn), nr);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, block);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t vaddr;
		uint32_t code;

		insn = qemu_plugin_tb_get_insn(tb, i);
		vaddr = qemu_plugin_insn_vaddr(insn);
		code = word(qemu_plugin_insn_haddr(insn));
		if (code == (MARK_START))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, 0, NULL);
		else if (code == (MARK_STOP))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_stop, 0, NULL);
		else if (code == ERET && block->host && vaddr >= enter && vaddr < leave)
			block->enters = true;
	}
}

static bool take(const char *arg)
{
	static const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = {
		{ "text=", &text }, { "etext=", &etext }, { "enter=", &enter }, { "leave=", &leave }
	};

	if (!strncmp(arg, "out=", 4)) {
		out = strdup(arg + 4);
		return out;
	}
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strncmp(arg, numbers[i].name, strlen(numbers[i].name))) {
			*numbers[i].value = strtoull(arg + strlen(numbers[i].name), NULL, 16);
			return true;
		}
	return false;
}

int qemu_plugin_install(uint64_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!take(argv[i]))
			return -1;
	if (!out || !leave || !info->system_emulation || info->max_vcpus > MAX_VCPUS) {
		fputs("plugin: wants out=, text=, etext=, enter=, leave=, and at most 8 "
		      "processors\n",
		      stderr);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
