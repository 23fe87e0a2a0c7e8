/* SPDX-License-Identifier: Apache-2.0 */
#include "exception.h"

#include <stdbool.h>

#include "check.h"
#include "cpu.h"
#include "gic.h"

/* Built on the stack by vectors.S. */
struct trap_frame {
	uint64_t x[31];
	uint64_t elr, spsr, reserved;
};

/* Entry of the vector table that was taken: four sources of four kinds (Arm DDI0487). */
enum { VECTOR_SYNC_SPX = 4, VECTOR_IRQ_SPX = 5 };

static struct {
	volatile bool catching;
	struct exception last;
} catcher[MAX_CPUS];

void exception_entry(struct trap_frame *frame, unsigned int vector);

void exception_catch(void)
{
	unsigned int cpu = cpu_id();

	catcher[cpu].last = (struct exception){ 0 };
	catcher[cpu].catching = true;
	isb();
}

struct exception exception_caught(void)
{
	unsigned int cpu = cpu_id();

	isb();
	catcher[cpu].catching = false;
	return catcher[cpu].last;
}

static bool record(struct trap_frame *frame)
{
	struct exception *last = &catcher[cpu_id()].last;

	if (!catcher[cpu_id()].catching)
		return false;

	last->count++;
	last->esr = read_sysreg(esr_el1);
	last->far = read_sysreg(far_el1);
	last->elr = frame->elr;

	/* After a failed instruction fetch there is no next instruction: go back to the caller
	 * instead. */
	frame->elr = ESR_EC(last->esr) == EC_IABT_CUR_EL ? frame->x[30] : frame->elr + 4;
	return true;
}

/* Called by vectors.S. */
void exception_entry(struct trap_frame *frame, unsigned int vector)
{
	if (vector == VECTOR_IRQ_SPX) {
		gic_handle_irq();
		return;
	}
	if (vector == VECTOR_SYNC_SPX && record(frame))
		return;
	panic("exception: vector %u esr 0x%lx elr 0x%lx (image + 0x%lx) far 0x%lx", vector,
	      read_sysreg(esr_el1), frame->elr, frame->elr - (uintptr_t)guest_image,
	      read_sysreg(far_el1));
}
