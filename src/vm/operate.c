/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of a machine that runs, beyond its end. */
#include <errno.h>
#include <string.h>

#include "machine.h"

void vm_pause(struct vm *vm)
{
	if (vm->guest->watchdog)
		watchdog_pause(vm->guest->watchdog);
	vcpu_set_pause(vm->guest->vcpus);
	nets_pause(vm->guest);
}

void vm_resume(struct vm *vm)
{
	if (vm->crashed)
		return;
	/* The network may have forgotten where the guest is. */
	if (vcpu_set_is_paused(vm->guest->vcpus)) {
		nets_resume(vm->guest);
		nets_announce(vm->guest);
	}
	if (vm->guest->watchdog)
		watchdog_resume(vm->guest->watchdog);
	vcpu_set_resume(vm->guest->vcpus);
}

void vm_get_status(const struct vm *vm, struct vm_status *status)
{
	*status = (struct vm_status){
		.paused = vcpu_set_is_paused(vm->guest->vcpus),
		.crashed = vm->crashed,
		.stopping = vm->stopping,
		.cpus = vm->config->cpus,
		.memory = vm->config->memory,
		.resets = vm->resets,
	};
}

void vm_get_net_status(const struct vm *vm, unsigned int index, struct vm_net_status *status)
{
	status->net = vm->nets[index];
	nets_get_stats(vm->guest, index, &status->stats);
}

void vm_get_vsock_status(const struct vm *vm, struct vm_vsock_status *status)
{
	vsocks_get_status(vm->guest, status);
}

void vm_get_rng_stats(const struct vm *vm, struct vrng_stats *stats)
{
	*stats = (struct vrng_stats){ 0 };
	if (vm->guest->rng.vrng)
		vrng_get_stats(vm->guest->rng.vrng, stats);
}

void vm_get_vhost_stats(const struct vm *vm, unsigned int index, struct vvhost_stats *stats)
{
	vvhost_get_stats(vm->guest->vhosts.vhosts[index].vvhost, stats);
}

void vm_get_pmem_status(const struct vm *vm, unsigned int index, struct vm_pmem_status *status)
{
	status->size = pmem_size(vm->pmems[index]);
	vpmem_get_stats(vm->guest->pmems.pmems[index].vpmem, &status->stats);
}

int vm_set_balloon(struct vm *vm, uint64_t target)
{
	if (!vm->config->has_balloon)
		return -ENODEV;
	if (target > vm->config->memory || target % 4096)
		return -ERANGE;
	vm->balloon_target = target;
	vballoon_set_target(vm->guest->balloon.vballoon, target);
	return 0;
}

void vm_get_balloon_status(const struct vm *vm, struct vballoon_stats *stats)
{
	vballoon_get_stats(vm->guest->balloon.vballoon, stats);
}

void vm_get_terminal_stats(const struct vm *vm, struct vcon_stats *stats)
{
	vcon_get_stats(vm->guest->consoles.terminal.vcon, 0, stats);
}

void vm_get_port_stats(const struct vm *vm, unsigned int index, struct vcon_stats *stats)
{
	vcon_get_stats(vm->guest->consoles.ports.vcon, index, stats);
}

void vm_get_watchdog_stats(const struct vm *vm, struct watchdog_stats *stats)
{
	watchdog_get_stats(vm->guest->watchdog, stats);
}

uint64_t vm_get_exits(const struct vm *vm, enum vcpu_exit_kind kind)
{
	return vcpu_set_exits(vm->guest->vcpus, kind);
}

int vm_resize_disk(struct vm *vm, const char *id, uint64_t *size)
{
	for (unsigned int i = 0; i < vm->config->nr_disks; i++) {
		struct disk *disk = vm->disks[i];
		int ret;

		if (strcmp(disk_config(disk)->id, id) != 0)
			continue;
		ret = disk_resize(disk);
		if (ret < 0)
			return ret;
		*size = disk_size(disk);
		disks_changed(vm->guest, disk);
		hvc_changed(vm->guest, disk);
		return 0;
	}
	return -ENOENT;
}

int vm_get_registers(struct vm *vm, unsigned int first, unsigned int count,
		     struct vm_registers *regs)
{
	struct vcpu_set *vcpus = vm->guest->vcpus;
	bool paused = vcpu_set_is_paused(vcpus);
	int ret = 0;

	vcpu_set_pause(vcpus);
	for (unsigned int i = 0; ret == 0 && i < count; i++) {
		regs[i].power = vcpu_set_power_state(vcpus, first + i);
		ret = vcpu_set_get_regs(vcpus, first + i, &regs[i].regs);
	}
	if (!paused)
		vcpu_set_resume(vcpus);
	return ret;
}
