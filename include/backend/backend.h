/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hypervisor must do for arcvisor: one table of operations.
 *
 * Two backends exist: backend_kvm drives Linux KVM on arm64, backend_sim plays a script for
 * tests and fuzzers on any machine. Everything above speaks to them through this header.
 *
 * Every operation returns 0 or -errno unless said otherwise. A vCPU's operations are called
 * from its own thread, or while that waits outside of all of them, except vcpu_interrupt(). A VM's
 * operations may be called from any thread once the VM is built; memory and the interrupt
 * controller are set up before any vCPU runs.
 */
#ifndef ARCVISOR_BACKEND_BACKEND_H
#define ARCVISOR_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/exit.h"
#include "base/util.h"

struct backend_vm;
struct backend_vcpu;

/* What the host offers. Asked for, never assumed; false and 0 mean "not here". */
struct backend_caps {
	int api_version;
	unsigned int ipa_bits;	/* largest guest physical address space */
	unsigned int max_vcpus; /* hard limit */
	unsigned int recommended_vcpus;
	unsigned int nr_memslots;
	bool gic_v2, gic_v3, its;
	bool smccc_filter; /* HVC and SMC can be sent to user space (Linux 6.4) */
	bool system_suspend;
	bool nisv_to_user; /* aborts without syndrome can be sent to user space */
	bool irqfd, ioeventfd;
	bool immediate_exit;
	bool psci_0_2;
	bool readonly_mem;
	bool mte; /* of shared memory too, which guest memory is (Linux 6.2) */
	bool sve, pmu_v3, pauth, steal_time, counter_offset, nested, aarch32;
	bool debug_hw;
	unsigned int debug_breakpoints, debug_watchpoints;
	bool binary_stats;
	unsigned int eager_split, dirty_ring; /* 0 or the largest ring */
	uint64_t counter_hz; /* CNTFRQ_EL0: of the host's counter, and the guest's */
};

/*
 * What vCPUs have beyond what every one has, a set of bits: all vCPUs of a VM the same, and each
 * bit only where the host's capability of that name is there.
 */
#define VCPU_FEATURE_PMU	BIT(0) /* PMUv3; its overflow is a PPI */
#define VCPU_FEATURE_SVE	BIT(1) /* with every vector length that the host allows */
#define VCPU_FEATURE_PAUTH	BIT(2) /* pointer authentication, of addresses and generic */
#define VCPU_FEATURE_MTE	BIT(3) /* memory tagging; mem_map() then takes RAM or memfds only */
#define VCPU_FEATURE_STEAL_TIME BIT(4) /* DEN0057 2, served by the backend */

#define VCPU_FEATURES (BIT(5) - 1) /* all of them */

#define BACKEND_STEAL_EACH 64u /* bytes of a vCPU's steal time (DEN0057 3.2), so aligned */

struct backend_vm_config {
	unsigned int ipa_bits;	/* 0: the smallest that the host gives by default */
	uint32_t features;	/* VCPU_FEATURE_* */
	gpa_t steal_base;	/* STEAL_TIME: BACKEND_STEAL_EACH a vCPU from here, mapped before
				 * vCPUs are created */
	uint32_t cache_types;	/* CLIDR_EL1.Ctype<n>, bits 20:0; 0: as the host gives it. A wish,
				 * which KVM before 6.3 does not grant */
	unsigned int pmu_intid; /* PMU: the PPI of an overflow, 16 to 31 */
};

/*
 * The interrupt controller, created after the vCPUs: a GICv3 with one redistributor a vCPU and, if
 * wanted, an ITS (Arm IHI0069); or a GICv2 for at most BACKEND_GICV2_CPUS vCPUs (Arm IHI0048).
 * @nr_irqs counts INTIDs from 0, SPIs begin at 32 (Arm IHI0069 2.2): 64 to 1024, multiple of 32.
 * Redistributors come in regions; each is filled before the next.
 */
#define BACKEND_MAX_REDIST_REGIONS 2
#define BACKEND_GICV2_CPUS	   8u /* a target list is one byte (IHI0048 4.3.12) */

struct backend_gic_config {
	unsigned int nr_irqs;
	bool v2;
	gpa_t dist_base;
	gpa_t cpu_base; /* GICv2: the CPU interface, 8 KiB */
	gpa_t its_base; /* GICv3: the ITS, 128 KiB; 0: none */
	unsigned int nr_redist_regions;
	struct {
		gpa_t base;
		unsigned int count; /* redistributors of 128 KiB */
	} redist[BACKEND_MAX_REDIST_REGIONS];
};

/* How a vCPU starts (Arm64 boot protocol; PSCI CPU_ON, DEN0022 6.4). */
struct vcpu_boot {
	uint64_t pc;
	uint64_t x0;	  /* device tree of the boot CPU, context id of a secondary */
	bool powered_off; /* wait for the backend's own CPU_ON: only without the SMCCC filter */
};

/* General registers, for reports and debuggers. */
struct vcpu_regs {
	uint64_t x[31];
	uint64_t sp; /* SP_EL0 */
	uint64_t pc;
	uint64_t pstate;
	uint64_t sp_el1, elr_el1, spsr_el1;
	uint64_t sctlr_el1, tcr_el1, ttbr0_el1, ttbr1_el1, mair_el1;
	uint64_t esr_el1, far_el1, vbar_el1, mpidr_el1;
};

/* Where a vCPU is in its program, and how it translates addresses (Arm DDI0487 D8). */
struct vcpu_context {
	uint64_t pc;
	uint64_t pstate;
	uint64_t sp; /* the stack pointer in use: SP_EL0 or SP_EL1, as PSTATE selects */
	uint64_t sctlr_el1, tcr_el1, ttbr0_el1, ttbr1_el1;
};

/* PSTATE as SPSR_EL1 lays it out (Arm DDI0487 C5.2, SPSR_EL1). */
#define PSTATE_SP    BIT64(0) /* SP_EL1 is in use */
#define PSTATE_NRW   BIT64(4) /* AArch32 state */
#define PSTATE_BTYPE (BIT64(10) | BIT64(11))
#define PSTATE_SS    BIT64(21)

struct backend_ops {
	const char *name;

	/* Fills *@caps without creating anything that lasts. -ENOENT, -EACCES: no hypervisor. */
	int (*probe)(struct backend_caps *caps);

	/* -EINVAL: a feature that this backend does not know, or that the host has not. */
	int (*vm_create)(const struct backend_vm_config *config, struct backend_vm **out);
	void (*vm_destroy)(struct backend_vm *vm); /* after its vCPUs; NULL is fine */

	/* Maps @size bytes at @host as RAM at @gpa. All page aligned. */
	int (*mem_map)(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size);

	/*
	 * The same of bytes that the guest can read and execute; a write of its comes out as
	 * VCPU_EXIT_MMIO or VCPU_EXIT_NISV. Only with backend_caps.readonly_mem.
	 */
	int (*mem_map_readonly)(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size);

	/* -ENODEV: the host has no interrupt controller of that kind. */
	int (*gic_create)(struct backend_vm *vm, const struct backend_gic_config *config);

	/*
	 * Drives the wire of SPI @intid (32 and up). A level wire stays as it was put; an edge
	 * wire latches at each false to true. From any thread.
	 */
	int (*irq_set)(struct backend_vm *vm, unsigned int intid, bool level);

	/* Binds eventfd @fd to SPI @intid: each write is a pulse. Edge-triggered SPIs only. */
	int (*irqfd_bind)(struct backend_vm *vm, int fd, unsigned int intid);
	int (*irqfd_unbind)(struct backend_vm *vm, int fd, unsigned int intid);

	/* A guest write of @len bytes at @gpa signals eventfd @fd and causes no exit. */
	int (*ioeventfd_bind)(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len);
	int (*ioeventfd_unbind)(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len);

	/* The same for a write of 4 bytes that is @val, and for no other. */
	int (*ioeventfd_bind_value)(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val);
	int (*ioeventfd_unbind_value)(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val);

	/* Sends calls [@first, @first + @count) here as VCPU_EXIT_SMCCC. Before any vCPU runs. */
	int (*smccc_forward)(struct backend_vm *vm, uint32_t first, uint32_t count);

	/* Creates vCPU @index, from 0. Its MPIDR affinity is mpidr_of_index(index). */
	int (*vcpu_create)(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out);
	void (*vcpu_destroy)(struct backend_vcpu *vcpu);

	/* Puts every register at its reset value, then those of *@boot. EL1h, DAIF masked. */
	int (*vcpu_reset)(struct backend_vcpu *vcpu, const struct vcpu_boot *boot);

	/*
	 * Runs the guest until it exits, after taking the reply of the exit before. Returns 0
	 * with *@exit filled, or -errno when the vCPU cannot run at all.
	 */
	int (*vcpu_run)(struct backend_vcpu *vcpu, struct vcpu_exit *exit);

	/* Hands the reply fields of *@exit back; takes effect at the next vcpu_run(). */
	int (*vcpu_reply)(struct backend_vcpu *vcpu, const struct vcpu_exit *exit);

	/* Makes replies visible in the registers without running guest instructions. */
	int (*vcpu_settle)(struct backend_vcpu *vcpu);

	/*
	 * The next, or the current, vcpu_run() returns VCPU_EXIT_INTERRUPTED soon. From any
	 * thread; the caller also sends the thread a signal, so that a blocked one wakes.
	 */
	void (*vcpu_interrupt)(struct backend_vcpu *vcpu);

	/* X0 to X30. */
	int (*vcpu_get_x)(struct backend_vcpu *vcpu, unsigned int first, unsigned int count,
			  uint64_t *val);
	int (*vcpu_set_x)(struct backend_vcpu *vcpu, unsigned int n, uint64_t val);
	int (*vcpu_get_regs)(struct backend_vcpu *vcpu, struct vcpu_regs *regs);

	int (*vcpu_get_context)(struct backend_vcpu *vcpu, struct vcpu_context *context);

	/* Sets the stack pointer in use. */
	int (*vcpu_set_sp)(struct backend_vcpu *vcpu, uint64_t val);

	/* The instruction at PC counts as executed: PC + 4, PSTATE.BTYPE and PSTATE.SS 0. */
	int (*vcpu_skip)(struct backend_vcpu *vcpu);

	/* The guest takes a synchronous external data abort on its last instruction. */
	int (*vcpu_inject_sea)(struct backend_vcpu *vcpu);

	/*
	 * The next vcpu_run() first waits until an interrupt is pending for the vCPU, as WFI
	 * would; until then it may return VCPU_EXIT_INTERRUPTED. -ENOTSUP: the host cannot.
	 */
	int (*vcpu_suspend)(struct backend_vcpu *vcpu);

	/*
	 * The virtual counter, CNTVCT_EL0 (Arm DDI0487 D12.1), as every vCPU of the VM sees it: set
	 * on one, it goes on from there on all. While none of them runs. -ENOTSUP: the host cannot.
	 */
	int (*vcpu_get_counter)(struct backend_vcpu *vcpu, uint64_t *val);
	int (*vcpu_set_counter)(struct backend_vcpu *vcpu, uint64_t val);
};

extern const struct backend_ops backend_kvm;
extern const struct backend_ops backend_sim;

/*
 * Affinity of vCPU @index, MPIDR_EL1's Aff fields alone: 16 CPUs in the lowest level, because an
 * SGI names at most 16 targets of one cluster (Arm IHI0069 12.2.23, ICC_SGI1R_EL1.TargetList),
 * then 256 clusters, then the next level. This is also what KVM gives its vCPUs.
 */
static inline uint64_t mpidr_of_index(unsigned int index)
{
	return (index & 0xf) | ((uint64_t)((index >> 4) & 0xff) << 8) |
	       ((uint64_t)((index >> 12) & 0xff) << 16);
}

#endif
