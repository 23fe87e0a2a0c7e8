/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated machine: memory, interrupts, forwards, and the table of operations. */
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

#define SIM_PAGE_SIZE 0x1000u
#define SPI_FIRST     32u /* Arm IHI0069 2.2.1 */

static int sim_probe(struct backend_caps *caps)
{
	int err = sim_enter(SIM_PROBE);

	if (!err)
		*caps = sim_host.caps;
	sim_unlock();
	return err;
}

/* The features that the host has not. */
static uint32_t sim_lacking(uint32_t features)
{
	const struct backend_caps *caps = &sim_host.caps;

	return features &
	       ~((caps->pmu_v3 ? VCPU_FEATURE_PMU : 0) | (caps->sve ? VCPU_FEATURE_SVE : 0) |
		 (caps->pauth ? VCPU_FEATURE_PAUTH : 0) | (caps->mte ? VCPU_FEATURE_MTE : 0) |
		 (caps->steal_time ? VCPU_FEATURE_STEAL_TIME : 0));
}

static int sim_vm_create_locked(const struct backend_vm_config *config, struct backend_vm **out)
{
	struct backend_vm *vm = &sim_host.vm;

	if (vm->alive)
		return -EBUSY;
	if (config->ipa_bits > sim_host.caps.ipa_bits || sim_lacking(config->features))
		return -EINVAL;
	memset(vm, 0, sizeof(*vm));
	vm->alive = true;
	vm->config = *config;
	vm->ipa_bits = config->ipa_bits ? config->ipa_bits : sim_host.caps.ipa_bits;
	*out = vm;
	return 0;
}

static int sim_vm_create(const struct backend_vm_config *config, struct backend_vm **out)
{
	int err = sim_enter(SIM_VM_CREATE);

	if (!err)
		err = sim_vm_create_locked(config, out);
	sim_unlock();
	return err;
}

static void sim_vm_destroy(struct backend_vm *vm)
{
	sim_enter(SIM_VM_DESTROY);
	if (vm) {
		assert(vm->alive && !vm->nr_vcpus);
		vm->alive = false;
	}
	sim_unlock();
}

/* Takes the lock and counts the call; a machine that is not there is the caller's error. */
static int sim_enter_vm(enum sim_op op, const struct backend_vm *vm)
{
	int err = sim_enter(op);

	assert(vm->alive);
	return err;
}

static int sim_mem_map_locked(struct backend_vm *vm, const struct sim_memory *new)
{
	unsigned int i;

	if (!new->size || (new->gpa | (uintptr_t) new->host | new->size) & (SIM_PAGE_SIZE - 1))
		return -EINVAL;
	if (new->read_only && !sim_host.caps.readonly_mem)
		return -EINVAL;
	if (!range_within(new->gpa, new->size, 0, BIT64(vm->ipa_bits)))
		return -EFAULT;
	for (i = 0; i < vm->nr_memory; i++)
		if (ranges_overlap(new->gpa, new->size, vm->memory[i].gpa, vm->memory[i].size))
			return -EEXIST;
	if (vm->nr_memory == SIM_MAX_MEMORY)
		return -ENOSPC;
	vm->memory[vm->nr_memory++] = *new;
	return 0;
}

static int sim_map(struct backend_vm *vm, const struct sim_memory *new)
{
	int err = sim_enter_vm(SIM_MEM_MAP, vm);

	if (!err)
		err = sim_mem_map_locked(vm, new);
	sim_unlock();
	return err;
}

static int sim_mem_map(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size)
{
	const struct sim_memory new = { .gpa = gpa, .host = host, .size = size };

	return sim_map(vm, &new);
}

static int sim_mem_map_readonly(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size)
{
	const struct sim_memory new = { .gpa = gpa, .host = host, .size = size, .read_only = true };

	return sim_map(vm, &new);
}

static int sim_gic_create_locked(struct backend_vm *vm, const struct backend_gic_config *config)
{
	unsigned int cpus = 0;
	unsigned int i;

	if (config->v2 ? !sim_host.caps.gic_v2 : !sim_host.caps.gic_v3)
		return -ENODEV;
	if (config->its_base && (config->v2 || !sim_host.caps.its))
		return -ENODEV;
	if (vm->has_gic)
		return -EEXIST;
	if (!vm->nr_vcpus || vm->has_run)
		return -EBUSY;
	if (config->nr_irqs < 64 || config->nr_irqs > SIM_MAX_IRQS || config->nr_irqs % 32 ||
	    config->nr_redist_regions > BACKEND_MAX_REDIST_REGIONS)
		return -EINVAL;
	for (i = 0; i < config->nr_redist_regions; i++)
		cpus += config->redist[i].count;
	if (config->v2)
		cpus = BACKEND_GICV2_CPUS;
	if (cpus < vm->nr_vcpus)
		return -EINVAL;
	vm->gic = *config;
	vm->has_gic = true;
	return 0;
}

static int sim_gic_create(struct backend_vm *vm, const struct backend_gic_config *config)
{
	int err = sim_enter_vm(SIM_GIC_CREATE, vm);

	if (!err)
		err = sim_gic_create_locked(vm, config);
	sim_unlock();
	return err;
}

/* Takes the lock and counts the call; *@wire is the SPI's. */
static int sim_enter_wire(enum sim_op op, struct backend_vm *vm, unsigned int intid,
			  struct sim_wire **wire)
{
	int err = sim_enter_vm(op, vm);

	if (err)
		return err;
	if (!vm->has_gic)
		return -ENXIO;
	if (intid < SPI_FIRST || intid >= vm->gic.nr_irqs)
		return -EINVAL;
	*wire = &vm->wires[intid];
	return 0;
}

static int sim_irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	struct sim_wire *wire;
	int err = sim_enter_wire(SIM_IRQ_SET, vm, intid, &wire);

	if (!err) {
		wire->edges += level && !wire->level;
		wire->level = level;
	}
	sim_unlock();
	return err;
}

static int sim_irqfd_bind(struct backend_vm *vm, int fd, unsigned int intid)
{
	struct sim_wire *wire;
	int err = sim_enter_wire(SIM_IRQFD_BIND, vm, intid, &wire);

	if (!err && wire->bound)
		err = -EBUSY;
	if (!err) {
		wire->bound = true;
		wire->fd = fd;
	}
	sim_unlock();
	return err;
}

static int sim_irqfd_unbind(struct backend_vm *vm, int fd, unsigned int intid)
{
	struct sim_wire *wire;
	int err = sim_enter_wire(SIM_IRQFD_UNBIND, vm, intid, &wire);

	if (!err && (!wire->bound || wire->fd != fd))
		err = -ENOENT;
	if (!err)
		wire->bound = false;
	sim_unlock();
	return err;
}

static struct sim_ioeventfd *sim_find_ioeventfd(struct backend_vm *vm,
						const struct sim_ioeventfd *wanted)
{
	unsigned int i;

	for (i = 0; i < vm->nr_ioeventfds; i++) {
		struct sim_ioeventfd *bound = &vm->ioeventfds[i];

		if (bound->gpa == wanted->gpa && bound->len == wanted->len &&
		    bound->one == wanted->one && bound->val == wanted->val)
			return bound;
	}
	return NULL;
}

static int sim_bind(struct backend_vm *vm, const struct sim_ioeventfd *wanted)
{
	int err = sim_enter_vm(SIM_IOEVENTFD_BIND, vm);

	if (!err && sim_find_ioeventfd(vm, wanted))
		err = -EEXIST;
	if (!err && vm->nr_ioeventfds == SIM_MAX_BINDINGS)
		err = -ENOSPC;
	if (!err)
		vm->ioeventfds[vm->nr_ioeventfds++] = *wanted;
	sim_unlock();
	return err;
}

static int sim_unbind(struct backend_vm *vm, const struct sim_ioeventfd *wanted)
{
	int err = sim_enter_vm(SIM_IOEVENTFD_UNBIND, vm);
	struct sim_ioeventfd *bound = sim_find_ioeventfd(vm, wanted);

	if (!err && (!bound || bound->fd != wanted->fd))
		err = -ENOENT;
	if (!err)
		*bound = vm->ioeventfds[--vm->nr_ioeventfds];
	sim_unlock();
	return err;
}

static int sim_ioeventfd_bind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return sim_bind(vm, &(struct sim_ioeventfd){ .fd = fd, .gpa = gpa, .len = len });
}

static int sim_ioeventfd_unbind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return sim_unbind(vm, &(struct sim_ioeventfd){ .fd = fd, .gpa = gpa, .len = len });
}

static struct sim_ioeventfd one_value(int fd, gpa_t gpa, uint32_t val)
{
	return (struct sim_ioeventfd){
		.fd = fd, .gpa = gpa, .len = sizeof(val), .one = true, .val = val
	};
}

static int sim_ioeventfd_bind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val)
{
	const struct sim_ioeventfd wanted = one_value(fd, gpa, val);

	return sim_bind(vm, &wanted);
}

static int sim_ioeventfd_unbind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val)
{
	const struct sim_ioeventfd wanted = one_value(fd, gpa, val);

	return sim_unbind(vm, &wanted);
}

static int sim_forward_locked(struct backend_vm *vm, const struct sim_range *new)
{
	unsigned int i;

	if (!sim_host.caps.smccc_filter)
		return -ENOTSUP;
	if (vm->has_run)
		return -EBUSY;
	if (!range_within(new->first, new->count, 0, BIT64(32)) || !new->count)
		return -EINVAL;
	for (i = 0; i < vm->nr_forwards; i++)
		if (ranges_overlap(new->first, new->count, vm->forwards[i].first,
				   vm->forwards[i].count))
			return -EEXIST;
	if (vm->nr_forwards == SIM_MAX_BINDINGS)
		return -ENOSPC;
	vm->forwards[vm->nr_forwards++] = *new;
	return 0;
}

static int sim_smccc_forward(struct backend_vm *vm, uint32_t first, uint32_t count)
{
	const struct sim_range new = { .first = first, .count = count };
	int err = sim_enter_vm(SIM_SMCCC_FORWARD, vm);

	if (!err)
		err = sim_forward_locked(vm, &new);
	sim_unlock();
	return err;
}

const struct backend_ops backend_sim = {
	.name = "sim",
	.probe = sim_probe,
	.vm_create = sim_vm_create,
	.vm_destroy = sim_vm_destroy,
	.mem_map = sim_mem_map,
	.mem_map_readonly = sim_mem_map_readonly,
	.gic_create = sim_gic_create,
	.irq_set = sim_irq_set,
	.irqfd_bind = sim_irqfd_bind,
	.irqfd_unbind = sim_irqfd_unbind,
	.ioeventfd_bind = sim_ioeventfd_bind,
	.ioeventfd_unbind = sim_ioeventfd_unbind,
	.ioeventfd_bind_value = sim_ioeventfd_bind_value,
	.ioeventfd_unbind_value = sim_ioeventfd_unbind_value,
	.smccc_forward = sim_smccc_forward,
	.vcpu_create = sim_vcpu_create,
	.vcpu_destroy = sim_vcpu_destroy,
	.vcpu_reset = sim_vcpu_reset,
	.vcpu_run = sim_vcpu_run,
	.vcpu_reply = sim_vcpu_reply,
	.vcpu_settle = sim_vcpu_settle,
	.vcpu_interrupt = sim_vcpu_interrupt,
	.vcpu_get_x = sim_vcpu_get_x,
	.vcpu_set_x = sim_vcpu_set_x,
	.vcpu_get_regs = sim_vcpu_get_regs,
	.vcpu_get_context = sim_vcpu_get_context,
	.vcpu_set_sp = sim_vcpu_set_sp,
	.vcpu_skip = sim_vcpu_skip,
	.vcpu_inject_sea = sim_vcpu_inject_sea,
	.vcpu_get_counter = sim_vcpu_get_counter,
	.vcpu_set_counter = sim_vcpu_set_counter,
};
