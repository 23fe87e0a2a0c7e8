/* SPDX-License-Identifier: Apache-2.0 */
/* Processors: system registers, the state each was entered with, and how to start the others. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#define MAX_CPUS   512	/* KVM's limit with GICv3 */
#define STACK_SIZE 4096 /* a CPU */

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#define read_sysreg(name)                                                          \
	({                                                                         \
		uint64_t sysreg_value_;                                            \
		asm volatile("mrs %0, " #name : "=r"(sysreg_value_) : : "memory"); \
		sysreg_value_;                                                     \
	})
#define write_sysreg(name, value) \
	asm volatile("msr " #name ", %x0" : : "rZ"((uint64_t)(value)) : "memory")

#define isb() asm volatile("isb" : : : "memory")
#define dsb() asm volatile("dsb sy" : : : "memory")

/* Returns when an interrupt is pending, even one that PSTATE masks; may return early. */
#define wfi() asm volatile("dsb sy\n\twfi" : : : "memory")

#define irq_enable()  asm volatile("msr daifclr, #2\n\tisb" : : : "memory")
#define irq_disable() asm volatile("msr daifset, #2\n\tisb" : : : "memory")

/* MPIDR_EL1: the affinity fields, without the RES1, MT and U bits. */
#define MPIDR_AFFINITY_MASK 0xff00ffffffUL
#define MPIDR_RES1	    (1UL << 31)
#define MPIDR_U		    (1UL << 30)

#define CURRENTEL_EL1 (1U << 2)
#define DAIF_ALL      (0xfU << 6)
#define SCTLR_M	      (1U << 0)
#define SCTLR_C	      (1U << 2)
#define SCTLR_EE      (1U << 25)

/* What a CPU found at its first instruction; start.S stores it in this order. */
struct cpu_entry {
	uint64_t x0, x1, x2, x3;
	uint64_t current_el, spsel, daif, sctlr;
};

/* Hidden, or position-independent code would find what follows through a table that somebody has to
 * relocate. */
#pragma GCC visibility push(hidden)

extern struct cpu_entry cpu_entry[MAX_CPUS];

/* The physical address of the test's image, its header included. */
extern const char guest_image[];

/* Where CPU_ON should send a CPU: sets up its stack and vectors, then calls its cpu_set_main()
 * function. */
extern void secondary_entry(void);

/* The test. Returning from it prints the totals and powers the machine off. */
extern void guest_main(void);

#pragma GCC visibility pop

/* The number of this CPU: 0 for the boot CPU. */
static inline unsigned int cpu_id(void)
{
	return (unsigned int)read_sysreg(tpidr_el1);
}

/* Affinity of vCPU `cpu`: 16 to a cluster, so that one ICC_SGI1R_EL1 target list reaches a whole
 * cluster. */
static inline uint64_t cpu_affinity(unsigned int cpu)
{
	return (cpu & 0xfUL) | ((cpu >> 4) & 0xffUL) << 8 | ((cpu >> 12) & 0xffUL) << 16;
}

/* What `cpu` runs when it enters at secondary_entry; it idles for ever when `main` returns. */
void cpu_set_main(unsigned int cpu, void (*main)(unsigned int cpu));

/* True once `cpu` has come up since the last cpu_set_main(); waits for it up to `ms` milliseconds.
 */
bool cpu_wait_online(unsigned int cpu, unsigned int ms);

/* CPU_ON (64-bit, HVC) with `context`; returns the PSCI status, and when that is SUCCESS only after
 * the CPU has come up. */
int64_t cpu_start(unsigned int cpu, void (*main)(unsigned int cpu), uint64_t context);

#endif
#endif
