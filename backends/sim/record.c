/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated host recorded, for tests to look at. */
#include "host.h"

#include <assert.h>

#include "base/util.h"

size_t sim_nr_replies(unsigned int index)
{
	size_t nr;

	sim_lock();
	nr = sim_vcpu_locked(index)->nr_replies;
	sim_unlock();
	return nr;
}

bool sim_reply(unsigned int index, size_t n, struct vcpu_exit *exit)
{
	const struct backend_vcpu *vcpu;
	bool found;

	sim_lock();
	vcpu = sim_vcpu_locked(index);
	found = n < vcpu->nr_replies;
	if (found)
		*exit = vcpu->replies[n];
	sim_unlock();
	return found;
}

void sim_regs(unsigned int index, struct vcpu_regs *regs)
{
	sim_lock();
	*regs = sim_vcpu_locked(index)->regs;
	sim_unlock();
}

void sim_set_regs(unsigned int index, const struct vcpu_regs *regs)
{
	sim_lock();
	sim_vcpu_locked(index)->regs = *regs;
	sim_unlock();
}

bool sim_boot(unsigned int index, struct vcpu_boot *boot)
{
	const struct backend_vcpu *vcpu;
	bool was_reset;

	sim_lock();
	vcpu = sim_vcpu_locked(index);
	was_reset = vcpu->was_reset;
	if (was_reset)
		*boot = vcpu->boot;
	sim_unlock();
	return was_reset;
}

bool sim_machine_lives(void)
{
	bool alive;

	sim_lock();
	alive = sim_host.vm.alive;
	sim_unlock();
	return alive;
}

unsigned int sim_nr_vcpus(void)
{
	unsigned int nr;

	sim_lock();
	nr = sim_host.vm.nr_vcpus;
	sim_unlock();
	return nr;
}

void sim_vm_config(struct backend_vm_config *config)
{
	sim_lock();
	*config = sim_host.vm.config;
	sim_unlock();
}

unsigned int sim_nr_memory(void)
{
	unsigned int nr;

	sim_lock();
	nr = sim_host.vm.nr_memory;
	sim_unlock();
	return nr;
}

bool sim_memory(unsigned int n, struct sim_memory *memory)
{
	bool found;

	sim_lock();
	found = n < sim_host.vm.nr_memory;
	if (found)
		*memory = sim_host.vm.memory[n];
	sim_unlock();
	return found;
}

bool sim_gic(struct backend_gic_config *config)
{
	bool has_gic;

	sim_lock();
	has_gic = sim_host.vm.has_gic;
	if (has_gic)
		*config = sim_host.vm.gic;
	sim_unlock();
	return has_gic;
}

static struct sim_wire sim_wire(unsigned int intid)
{
	struct sim_wire wire;

	assert(intid < SIM_MAX_IRQS);
	sim_lock();
	wire = sim_host.vm.wires[intid];
	sim_unlock();
	return wire;
}

bool sim_irq_level(unsigned int intid)
{
	return sim_wire(intid).level;
}

unsigned int sim_irq_edges(unsigned int intid)
{
	return sim_wire(intid).edges;
}

int sim_irqfd(unsigned int intid)
{
	struct sim_wire wire = sim_wire(intid);

	return wire.bound ? wire.fd : -1;
}

static int find_ioeventfd(gpa_t gpa, unsigned int len, bool one, uint32_t val)
{
	const struct backend_vm *vm = &sim_host.vm;
	unsigned int i;
	int fd = -1;

	sim_lock();
	for (i = 0; i < vm->nr_ioeventfds; i++) {
		const struct sim_ioeventfd *bound = &vm->ioeventfds[i];

		if (bound->gpa == gpa && bound->len == len && bound->one == one &&
		    bound->val == val)
			fd = bound->fd;
	}
	sim_unlock();
	return fd;
}

int sim_ioeventfd(gpa_t gpa, unsigned int len)
{
	return find_ioeventfd(gpa, len, false, 0);
}

int sim_ioeventfd_value(gpa_t gpa, uint32_t val)
{
	return find_ioeventfd(gpa, sizeof(val), true, val);
}

bool sim_forwarded(uint32_t fid)
{
	const struct backend_vm *vm = &sim_host.vm;
	bool found = false;
	unsigned int i;

	sim_lock();
	for (i = 0; i < vm->nr_forwards; i++)
		found |= range_within(fid, 1, vm->forwards[i].first, vm->forwards[i].count);
	sim_unlock();
	return found;
}

uint64_t sim_counter(void)
{
	uint64_t val;

	sim_lock();
	val = sim_host.counter;
	sim_unlock();
	return val;
}

void sim_set_counter(uint64_t val)
{
	sim_lock();
	sim_host.counter = val;
	sim_unlock();
}
