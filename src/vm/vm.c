/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's life: checks, then one guest after another until it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "boot/layout.h"
#include "check.h"
#include "control.h"
#include "control/server.h"
#include "machine.h"

void vm_end(void *ctx, enum machine_end why)
{
	struct vm *vm = ctx;
	int running = MACHINE_RUNNING;

	if (why == MACHINE_QUIT || why == MACHINE_TIMEOUT)
		atomic_store(&vm->asked, true);
	if (atomic_compare_exchange_strong(&vm->end, &running, (int)why))
		loop_event_raise(&vm->ended);
}

static void vm_ended(void *ctx)
{
	struct vm *vm = ctx;

	if (!vm_crash_keeps(vm))
		loop_stop(vm->loop);
}

static void vm_console_quit(void *ctx)
{
	vm_quit(ctx);
}

void vm_quit(struct vm *vm)
{
	vm_end(vm, MACHINE_QUIT);
}

void vm_reset(struct vm *vm)
{
	vm_end(vm, MACHINE_RESET);
}

static int init_loop(struct vm *vm)
{
	int ret = loop_create(&vm->loop);

	if (ret < 0)
		goto fail;
	ret = loop_event_init(vm->loop, &vm->ended, vm_ended, vm);
	if (ret < 0)
		goto fail_loop;
	ret = vm_power_init(vm);
	if (ret < 0)
		goto fail_event;
	return 0;

fail_event:
	loop_event_fini(vm->loop, &vm->ended);
fail_loop:
	loop_destroy(vm->loop);
fail:
	log_error("cannot make an event loop: %s", strerror(-ret));
	return ret;
}

static void fini_loop(struct vm *vm)
{
	vm_power_fini(vm);
	loop_event_fini(vm->loop, &vm->ended);
	loop_destroy(vm->loop);
}

/* One guest, from its reset to its end. */
static int run_guest(struct vm *vm)
{
	const struct guest_parts parts = {
		.ops = vm->ops,
		.config = vm->config,
		.features = vm->features,
		.gic = vm->gic,
		.caches = &vm->caches,
		.files = &vm->files,
		.map = &vm->map,
		.loop = vm->loop,
		.console = vm->console,
		.terminal = vm->terminal,
		.ports = vm->ports,
		.sink = &vm->sink,
		.counter_hz = vm->caps.counter_hz,
		.watchdog_expired = vm_watchdog_expired,
		.vm = vm,
		.disks = vm->disks,
		.nets = vm->nets,
		.vsock = vm->vsock,
		.balloon_target = &vm->balloon_target,
		.vhosts = vm->vhosts,
		.pmems = vm->pmems,
	};
	struct guest guest;
	int ret;

	atomic_store(&vm->end, MACHINE_RUNNING);
	vm->crashed = false;
	ret = guest_build(&parts, &guest);
	if (ret < 0)
		return ret;
	vm->guest = &guest;
	vm_power_guest(vm);
	vm_watchdog_start(vm);
	ret = vcpu_set_start(guest.vcpus);
	if (ret < 0)
		log_error("cannot start the vCPUs: %s", strerror(-ret));
	else
		ret = loop_run(vm->loop);
	vm->guest = NULL;
	guest_destroy(&guest);
	return ret;
}

static int run_guests(struct vm *vm, enum machine_end *end)
{
	int ret;

	for (;; vm->resets++) {
		ret = run_guest(vm);
		*end = (enum machine_end)atomic_load(&vm->end);
		/* It is of that that a kept guest came to its end, whoever let it go. */
		if (vm->crashed && *end != MACHINE_RESET)
			*end = MACHINE_CRASH;
		if (ret < 0 || *end != MACHINE_RESET || vm->config->exit_on_reset)
			return ret;
	}
}

static int run_with_console(struct vm *vm, enum machine_end *end)
{
	int ret = console_create(vm->loop, &vm->config->console, vm_console_quit, vm, &vm->console);

	if (ret < 0)
		return ret;
	ret = consoles_open(vm, vm_console_quit);
	if (ret == 0)
		ret = run_guests(vm, end);
	consoles_close(vm);
	console_destroy(vm->console);
	return ret;
}

int vm_run(struct vm *vm, enum machine_end *end)
{
	int ret = init_loop(vm);

	if (ret < 0)
		return ret;
	ret = vm_control_init(vm);
	if (ret == 0) {
		ret = run_with_console(vm, end);
		vm_control_fini(vm, ret < 0 ? MACHINE_RUNNING : *end);
	}
	fini_loop(vm);
	return ret;
}

static int open_disks(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < vm->config->nr_disks; i++)
		ret = disk_open(&vm->config->disks[i], &vm->disks[i]);
	return ret;
}

static void close_disks(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->config->nr_disks; i++)
		disk_close(vm->disks[i]);
}

static int open_nets(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < vm->config->nr_nets; i++)
		ret = net_open(&vm->config->nets[i], &vm->nets[i]);
	return ret;
}

static void close_nets(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->config->nr_nets; i++)
		net_close(vm->nets[i]);
}

static int open_vhosts(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < vm->config->nr_vhosts; i++)
		ret = vhost_open(&vm->config->vhosts[i], &vm->vhosts[i]);
	return ret;
}

static void close_vhosts(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->config->nr_vhosts; i++)
		vhost_close(vm->vhosts[i]);
}

static int open_pmems(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < vm->config->nr_pmems; i++)
		ret = pmem_open(&vm->config->pmems[i], &vm->pmems[i]);
	return ret < 0 ? ret : pmems_check(vm->config, &vm->caps, vm->features, vm->pmems);
}

static void close_pmems(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->config->nr_pmems; i++)
		pmem_close(vm->pmems[i]);
}

int vm_create(const struct backend_ops *ops, const struct vm_config *config, struct vm **out)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		return -ENOMEM;
	vm->ops = ops;
	vm->config = config;
	vm->balloon_target = config->balloon.target;
	vm->sink = (struct exit_sink){ .end = vm_end, .ctx = vm };
	ret = boot_files_open(&vm->files, config->kernel, config->initrd);
	if (ret < 0)
		goto fail;
	ret = config->control ? control_path_check(config->control) : 0;
	if (ret == 0)
		ret = boot_plan(&vm->files, LAYOUT_RAM_BASE, config->memory, &vm->map);
	if (ret == 0)
		ret = check_host(ops, config, &vm->caps, &vm->gic);
	if (ret == 0) {
		caches_read(CACHES_SYSFS, &vm->caches);
		ret = cpu_features_choose(&vm->caps, vm->caches.nr, &config->cpu_features,
					  &vm->features);
	}
	if (ret == 0)
		ret = hvc_check(config);
	if (ret == 0)
		ret = nets_check(config);
	if (ret == 0)
		ret = vsock_check(&config->vsock);
	if (ret == 0)
		ret = balloon_check(config);
	if (ret == 0)
		ret = vhosts_check(config);
	if (ret == 0)
		ret = consoles_check(config);
	if (ret == 0)
		ret = open_disks(vm);
	if (ret == 0)
		ret = open_pmems(vm);
	if (ret == 0)
		ret = open_nets(vm);
	if (ret == 0)
		ret = open_vhosts(vm);
	if (ret == 0 && config->vsock.cid)
		ret = vsock_open(&config->vsock, &vm->vsock);
	if (ret < 0)
		goto fail_files;
	*out = vm;
	return 0;

fail_files:
	close_vhosts(vm);
	vsock_close(vm->vsock);
	close_nets(vm);
	close_pmems(vm);
	close_disks(vm);
	boot_files_close(&vm->files);
fail:
	free(vm);
	return ret;
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	vsock_close(vm->vsock);
	close_vhosts(vm);
	close_nets(vm);
	close_pmems(vm);
	close_disks(vm);
	boot_files_close(&vm->files);
	free(vm);
}
