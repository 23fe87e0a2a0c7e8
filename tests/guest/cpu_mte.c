/* SPDX-License-Identifier: Apache-2.0 */
/* Memory tagging works: fresh memory has tag 0, tags stay, and another tag is a fault. */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "features.h"
#include "mmu.h"

#define MAIR_TAGGED 0xf000UL	/* index 1: Normal, write-back, Tagged */
#define TCR_TBI0    (1UL << 37) /* bits 63:56 of an address are no address */
#define SCTLR_ATA   (1UL << 43) /* tags can be reached */
#define SCTLR_TCF   (1UL << 40) /* a mismatch faults, synchronously */
#define FSC_TAG	    0x11

/*
 * Looks at the first granule of each page: the emulator of Debian 12 (QEMU 7.2) has one tag for all
 * even granules of a page and one for all odd ones.
 */
#define PAGE	 4096
#define NR_PAGES 64

static uint8_t memory[NR_PAGES * PAGE] __attribute__((aligned(PAGE)));

static uintptr_t tagged(const void *address, unsigned int tag)
{
	return (uintptr_t)address | (uintptr_t)tag << 56;
}

static void tag_granule(uintptr_t address)
{
	asm volatile(".arch armv8.5-a+memtag\n\tstg %0, [%0]" : : "r"(address) : "memory");
}

/* The address with its granule's tag. */
static uintptr_t tag_of(const void *address)
{
	uintptr_t with_tag = (uintptr_t)address;

	asm volatile(".arch armv8.5-a+memtag\n\tldg %0, [%0]" : "+r"(with_tag) : : "memory");
	return with_tag;
}

static struct exception load(uintptr_t address)
{
	uint64_t value;

	exception_catch();
	asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return exception_caught();
}

static void enable_tags(void)
{
	mmu_enable();
	write_sysreg(mair_el1, MAIR_TAGGED);
	write_sysreg(tcr_el1, read_sysreg(tcr_el1) | TCR_TBI0);
	write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | SCTLR_ATA | SCTLR_TCF);
	asm volatile(".arch armv8.5-a+memtag\n\tmsr tco, #0" : : : "memory");
	asm volatile("isb\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

void guest_main(void)
{
	unsigned int wrong = 0;
	struct exception fault;

	if (!has_mte()) {
		skip("all", "no memory tagging");
		return;
	}
	enable_tags();
	for (unsigned int i = 0; i < NR_PAGES; i++)
		wrong += tag_of(&memory[i * PAGE]) != (uintptr_t)&memory[i * PAGE];
	check_eq(wrong, 0, "fresh memory has tag 0");

	for (unsigned int i = 0; i < NR_PAGES; i++)
		tag_granule(tagged(&memory[i * PAGE], i % 16));
	for (unsigned int i = 0; i < NR_PAGES; i++)
		wrong += tag_of(&memory[i * PAGE]) != tagged(&memory[i * PAGE], i % 16);
	check_eq(wrong, 0, "each granule keeps its tag");

	check_eq(load(tagged(&memory[5 * PAGE], 5)).count, 0, "the right tag loads");
	fault = load(tagged(&memory[5 * PAGE], 6));
	check_eq(fault.count, 1, "another tag faults");
	check_eq(ESR_EC(fault.esr), EC_DABT_CUR_EL, "data abort");
	check_eq(ESR_FSC(fault.esr), FSC_TAG, "tag check fault");
}
