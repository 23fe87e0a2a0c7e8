/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a vCPU left the guest: plain data, the same for every backend.
 *
 * A backend's vcpu_run() fills a struct vcpu_exit; dispatch (exit/dispatch.h) hands it to one
 * handler, which fills in the fields marked "reply"; vcpu_reply() takes them back to the guest.
 * No handler needs to know which backend it serves, and all of them run without KVM in tests.
 */
#ifndef ARCVISOR_BACKEND_EXIT_H
#define ARCVISOR_BACKEND_EXIT_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"

enum vcpu_exit_kind {
	VCPU_EXIT_INTERRUPTED,	  /* a kick or a signal; the guest did nothing */
	VCPU_EXIT_MMIO,		  /* load or store outside RAM, decoded from its syndrome */
	VCPU_EXIT_SMCCC,	  /* HVC or SMC that the filter sends here (Arm DEN0028) */
	VCPU_EXIT_SYSTEM_EVENT,	  /* the backend's own PSCI: off, reset, crash */
	VCPU_EXIT_DEBUG,	  /* breakpoint, watchpoint or step of a debugger */
	VCPU_EXIT_FAULT,	  /* the host could not resolve a stage 2 fault */
	VCPU_EXIT_NISV,		  /* data abort outside RAM whose syndrome says nothing of it */
	VCPU_EXIT_SYSREG,	  /* trapped MSR or MRS; KVM handles these itself */
	VCPU_EXIT_WFI,		  /* the guest waits for an interrupt; KVM blocks by itself */
	VCPU_EXIT_VTIMER,	  /* the virtual timer fired; KVM injects it by itself */
	VCPU_EXIT_FAILED_ENTRY,	  /* the hardware refused to enter the guest */
	VCPU_EXIT_INTERNAL_ERROR, /* the hypervisor gave up on the guest */
	VCPU_EXIT_UNKNOWN,	  /* a reason that this backend does not know */
	VCPU_EXIT_KINDS,
};

struct vcpu_mmio {
	gpa_t addr;
	uint64_t data; /* write: the value, zero extended; read: reply, its low @len bytes */
	uint8_t len;   /* bytes: 1, 2, 4 or 8 */
	bool is_write;
};

/*
 * A call by the SMC Calling Convention. Arguments are fetched on demand with vcpu_get_x(), since
 * on KVM each costs a system call. With @nr_ret 0 no register is written: the guest finds X0 to
 * X17 as they were.
 */
struct vcpu_smccc {
	uint32_t fid;	/* function identifier, W0 of the guest */
	bool is_smc;	/* conduit: SMC, else HVC */
	uint8_t nr_ret; /* reply: how many of @ret go to X0, X1, ... */
	uint64_t ret[4];
};

enum vcpu_system_event {
	VCPU_SYSTEM_OFF,
	VCPU_SYSTEM_RESET,
	VCPU_SYSTEM_RESET2, /* data[0]: reset type, data[1]: cookie (PSCI 5.13) */
	VCPU_SYSTEM_CRASH,
	VCPU_SYSTEM_SUSPEND,
	VCPU_SYSTEM_SERROR, /* an SError that the guest did not take */
	VCPU_SYSTEM_OTHER,
};

struct vcpu_sysreg {
	uint64_t value; /* write: the value; read: reply */
	uint8_t op0, op1, crn, crm, op2;
	bool is_write;
};

struct vcpu_exit {
	enum vcpu_exit_kind kind;
	union {
		struct vcpu_mmio mmio;
		struct vcpu_smccc smccc;
		struct {
			enum vcpu_system_event event;
			uint32_t raw; /* the backend's own number, for reports */
			uint64_t data[2];
		} system;
		struct {
			uint64_t esr; /* ESR_EL2 as trapped */
			uint64_t far;
		} debug;
		struct {
			gpa_t gpa;
			uint64_t size;
			uint64_t flags;
		} fault;
		struct {
			uint64_t esr; /* ISS bits that are valid without ISV (Arm DDI0487 D24.2.39)
				       */
			gpa_t gpa; /* faulting address; its page only where the host knows no more
				    */
		} nisv;
		struct vcpu_sysreg sysreg;
		struct {
			uint64_t reason; /* the hardware's or hypervisor's own code */
			uint32_t cpu;	 /* host CPU on which entry failed */
		} failed;
		struct {
			uint32_t suberror;
			uint32_t ndata;
			uint64_t data[4];
		} internal;
		struct {
			uint32_t reason;
		} unknown;
	};
};

#endif
