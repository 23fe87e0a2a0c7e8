/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's commands (docs/control.md): a row each, on the loop's thread. */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "base/util.h"
#include "control/server.h"
#include "machine.h"

#ifndef ARCVISOR_VERSION
#define ARCVISOR_VERSION "unknown"
#endif

static struct jval *put_net(const struct vm_net_status *status)
{
	const struct net *net = status->net;
	const struct vnet_stats *stats = &status->stats;
	struct jval *out = jval_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", net->mac[0], net->mac[1],
		 net->mac[2], net->mac[3], net->mac[4], net->mac[5]);
	jval_put_string(out, "id", net->id);
	jval_put_string(out, "kind", net->kind);
	jval_put_string(out, "interface", net->name);
	jval_put_string(out, "mac", mac);
	jval_put_bool(out, "link", stats->link);
	jval_put_u64(out, "queues", stats->active);
	jval_put_bool(out, "vhost", stats->in_kernel);
	jval_put_u64(out, "rx_packets", stats->rx_packets);
	jval_put_u64(out, "rx_bytes", stats->rx_bytes);
	jval_put_u64(out, "rx_dropped", stats->rx_dropped);
	jval_put_u64(out, "tx_packets", stats->tx_packets);
	jval_put_u64(out, "tx_bytes", stats->tx_bytes);
	jval_put_u64(out, "tx_dropped", stats->tx_dropped);
	jval_put_u64(out, "tx_bad", stats->tx_bad);
	if (stats->in_kernel) {
		jval_put_bool(out, "running", stats->served);
		return out;
	}
	jval_put_u64(out, "rx_large", stats->rx_large);
	jval_put_u64(out, "rx_filtered", stats->rx_filtered);
	jval_put_u64(out, "tx_large", stats->tx_large);
	return out;
}

static void put_nets(const struct vm *vm, struct jval *answer)
{
	struct jval *nets = jval_array();

	for (unsigned int i = 0; i < vm->config->nr_nets; i++) {
		struct vm_net_status status;

		vm_get_net_status(vm, i, &status);
		jval_append(nets, put_net(&status));
	}
	jval_put(answer, "nets", nets);
}

static struct jval *put_vsock(const struct vm *vm)
{
	const struct vsock_config *config = &vm->config->vsock;
	struct jval *out = jval_object();
	struct vm_vsock_status status;
	const struct vvsock_stats *stats = &status.stats;

	vm_get_vsock_status(vm, &status);
	jval_put_u64(out, "cid", config->cid);
	jval_put_bool(out, "vhost", config->vhost);
	if (config->vhost) {
		jval_put_bool(out, "running", status.in_kernel);
		return out;
	}
	jval_put_string(out, "path", config->path);
	jval_put_u64(out, "connections", stats->connections);
	jval_put_u64(out, "by_host", stats->by_host);
	jval_put_u64(out, "by_guest", stats->by_guest);
	jval_put_u64(out, "refused", stats->refused);
	jval_put_u64(out, "reset", stats->reset);
	jval_put_u64(out, "rx_packets", stats->rx_packets);
	jval_put_u64(out, "rx_bytes", stats->rx_bytes);
	jval_put_u64(out, "tx_packets", stats->tx_packets);
	jval_put_u64(out, "tx_bytes", stats->tx_bytes);
	jval_put_u64(out, "tx_bad", stats->tx_bad);
	jval_put_u64(out, "tx_overrun", stats->tx_overrun);
	jval_put_u64(out, "unanswered", stats->unanswered);
	return out;
}

static void put_rng(const struct vm *vm, struct jval *answer)
{
	struct jval *rng = jval_object();
	struct vrng_stats stats;

	vm_get_rng_stats(vm, &stats);
	jval_put_u64(rng, "requests", stats.requests);
	jval_put_u64(rng, "bytes", stats.bytes);
	jval_put_u64(rng, "held", stats.held);
	jval_put(answer, "rng", rng);
}

static void put_balloon(const struct vm *vm, struct jval *answer)
{
	static const char *const names[VBALLOON_NR_STATS] = {
		"swap_in",	  "swap_out",	   "major_faults",   "minor_faults",
		"free",		  "total",	   "available",	     "caches",
		"hugetlb_allocs", "hugetlb_fails", "oom_kills",	     "alloc_stalls",
		"async_scans",	  "direct_scans",  "async_reclaims", "direct_reclaims",
	};
	struct jval *out = jval_object(), *guest = jval_object();
	struct vballoon_stats stats;

	vm_get_balloon_status(vm, &stats);
	jval_put_u64(out, "target", stats.target);
	jval_put_u64(out, "actual", stats.actual);
	jval_put_u64(out, "inflated", stats.inflated);
	jval_put_u64(out, "given_back", stats.given_back);
	jval_put_u64(out, "reported", stats.reported);
	jval_put_u64(out, "bad_pages", stats.bad_pages);
	jval_put_u64(out, "twice", stats.twice);
	jval_put_u64(out, "errors", stats.errors);
	for (unsigned int i = 0; i < VBALLOON_NR_STATS; i++)
		if (stats.known & BIT(i))
			jval_put_u64(guest, names[i], stats.guest[i]);
	jval_put(out, "guest", guest);
	jval_put(answer, "balloon", out);
}

static void put_vhosts(const struct vm *vm, struct jval *answer)
{
	struct jval *vhosts = jval_array();

	for (unsigned int i = 0; i < vm->config->nr_vhosts; i++) {
		struct jval *out = jval_object();
		struct vvhost_stats stats;

		vm_get_vhost_stats(vm, i, &stats);
		jval_put_string(out, "id", vm->config->vhosts[i].id);
		jval_put_bool(out, "connected", stats.connected);
		jval_put_bool(out, "started", stats.started);
		jval_put_u64(out, "interrupts", stats.interrupts);
		jval_put_u64(out, "lost", stats.lost);
		jval_append(vhosts, out);
	}
	jval_put(answer, "vhosts", vhosts);
}

static void put_pmems(const struct vm *vm, struct jval *answer)
{
	struct jval *pmems = jval_array();

	for (unsigned int i = 0; i < vm->config->nr_pmems; i++) {
		const struct pmem_config *config = &vm->config->pmems[i];
		struct jval *out = jval_object();
		struct vm_pmem_status status;

		vm_get_pmem_status(vm, i, &status);
		jval_put_string(out, "id", config->id);
		jval_put_bool(out, "writable", config->writable);
		jval_put_u64(out, "size", status.size);
		jval_put_u64(out, "flushes", status.stats.flushes);
		jval_put_u64(out, "errors", status.stats.errors);
		jval_put_u64(out, "dropped", status.stats.dropped);
		jval_append(pmems, out);
	}
	jval_put(answer, "pmems", pmems);
}

static struct jval *put_port(const char *name, const struct vcon_stats *stats)
{
	struct jval *out = jval_object();

	if (name)
		jval_put_string(out, "name", name);
	else
		jval_put_u64(out, "dropped", stats->dropped);
	jval_put_bool(out, "open", stats->open);
	jval_put_u64(out, "rx_bytes", stats->rx_bytes);
	jval_put_u64(out, "tx_bytes", stats->tx_bytes);
	return out;
}

static void put_consoles(const struct vm *vm, struct jval *answer)
{
	struct jval *ports = jval_array();
	struct vcon_stats stats;

	if (vm->config->has_terminal) {
		vm_get_terminal_stats(vm, &stats);
		jval_put(answer, "virtio-console", put_port(NULL, &stats));
	}
	for (unsigned int i = 0; i < vm->config->nr_ports; i++) {
		vm_get_port_stats(vm, i, &stats);
		jval_append(ports, put_port(vm->config->ports[i].name, &stats));
	}
	jval_put(answer, "ports", ports);
}

static void put_watchdog(const struct vm *vm, struct jval *answer)
{
	struct jval *watchdog = jval_object();
	struct watchdog_stats stats;

	vm_get_watchdog_stats(vm, &stats);
	jval_put_bool(watchdog, "enabled", stats.enabled);
	jval_put_u64(watchdog, "refreshes", stats.refreshes);
	jval_put_u64(watchdog, "warnings", stats.warnings);
	jval_put(answer, "watchdog", watchdog);
}

static int run_status(void *ctx, const struct jval *request, struct jval *answer)
{
	const struct vm *vm = ctx;
	struct vm_status status;

	(void)request;
	vm_get_status(vm, &status);
	jval_put_string(answer, "state",
			status.crashed	? "crashed"
			: status.paused ? "paused"
					: "running");
	jval_put_bool(answer, "stopping", status.stopping);
	jval_put_u64(answer, "vcpus", status.cpus);
	jval_put_u64(answer, "memory", status.memory);
	jval_put_u64(answer, "resets", status.resets);
	jval_put_string(answer, "version", ARCVISOR_VERSION);
	if (vm->config->nr_nets)
		put_nets(vm, answer);
	if (vm->config->vsock.cid)
		jval_put(answer, "vsock", put_vsock(vm));
	if (vm->config->rng.on)
		put_rng(vm, answer);
	if (vm->config->nr_vhosts)
		put_vhosts(vm, answer);
	if (vm->config->nr_pmems)
		put_pmems(vm, answer);
	if (vm->config->has_balloon)
		put_balloon(vm, answer);
	if (vm->config->has_terminal || vm->config->nr_ports)
		put_consoles(vm, answer);
	if (vm->config->watchdog != VM_WATCHDOG_OFF)
		put_watchdog(vm, answer);
	return 0;
}

static int run_pause(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)request;
	(void)answer;
	vm_pause(ctx);
	return 0;
}

static int run_resume(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)request;
	(void)answer;
	vm_resume(ctx);
	return 0;
}

static int run_power_button(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)request;
	(void)answer;
	vm_power_button(ctx);
	return 0;
}

static int run_stop(void *ctx, const struct jval *request, struct jval *answer)
{
	struct vm *vm = ctx;

	(void)request;
	vm_stop(vm);
	jval_put_u64(answer, "timeout", vm->config->stop_timeout);
	return 0;
}

static int run_reset(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)request;
	(void)answer;
	vm_reset(ctx);
	return 0;
}

static int run_quit(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)request;
	(void)answer;
	vm_quit(ctx);
	return 0;
}

static int run_exits(void *ctx, const struct jval *request, struct jval *answer)
{
	struct jval *exits = jval_object();

	(void)request;
	for (int kind = 0; kind < VCPU_EXIT_KINDS; kind++)
		jval_put_u64(exits, exit_kind_name((enum vcpu_exit_kind)kind),
			     vm_get_exits(ctx, (enum vcpu_exit_kind)kind));
	jval_put(answer, "exits", exits);
	return 0;
}

/* Registers of struct vcpu_regs beyond X0 to X30. */
static const struct {
	const char *name;
	size_t offset;
} named_regs[] = {
	{ "sp", offsetof(struct vcpu_regs, sp) },
	{ "pc", offsetof(struct vcpu_regs, pc) },
	{ "pstate", offsetof(struct vcpu_regs, pstate) },
	{ "sp_el1", offsetof(struct vcpu_regs, sp_el1) },
	{ "elr_el1", offsetof(struct vcpu_regs, elr_el1) },
	{ "spsr_el1", offsetof(struct vcpu_regs, spsr_el1) },
	{ "sctlr_el1", offsetof(struct vcpu_regs, sctlr_el1) },
	{ "tcr_el1", offsetof(struct vcpu_regs, tcr_el1) },
	{ "ttbr0_el1", offsetof(struct vcpu_regs, ttbr0_el1) },
	{ "ttbr1_el1", offsetof(struct vcpu_regs, ttbr1_el1) },
	{ "mair_el1", offsetof(struct vcpu_regs, mair_el1) },
	{ "esr_el1", offsetof(struct vcpu_regs, esr_el1) },
	{ "far_el1", offsetof(struct vcpu_regs, far_el1) },
	{ "vbar_el1", offsetof(struct vcpu_regs, vbar_el1) },
	{ "mpidr_el1", offsetof(struct vcpu_regs, mpidr_el1) },
};

static struct jval *put_registers(unsigned int vcpu, const struct vm_registers *registers)
{
	static const char *const powers[] = {
		[VCPU_OFF] = "off",
		[VCPU_ON_PENDING] = "starting",
		[VCPU_ON] = "on",
	};
	struct jval *out = jval_object();
	char name[4];

	jval_put_u64(out, "vcpu", vcpu);
	jval_put_string(out, "power", powers[registers->power]);
	for (unsigned int i = 0; i < ARRAY_SIZE(registers->regs.x); i++) {
		snprintf(name, sizeof(name), "x%u", i % 100);
		jval_put_hex(out, name, registers->regs.x[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(named_regs); i++)
		jval_put_hex(
			out, named_regs[i].name,
			*(const uint64_t *)((const char *)&registers->regs + named_regs[i].offset));
	return out;
}

static int answer_registers(struct vm *vm, unsigned int first, unsigned int count,
			    struct jval *answer)
{
	struct vm_registers *registers = calloc(count, sizeof(*registers));
	struct jval *vcpus = jval_array();
	int ret = registers ? vm_get_registers(vm, first, count, registers) : -ENOMEM;

	for (unsigned int i = 0; ret == 0 && i < count; i++)
		jval_append(vcpus, put_registers(first + i, &registers[i]));
	jval_put(answer, "vcpus", vcpus);
	free(registers);
	return ret < 0 ? control_refuse(answer, "the registers cannot be read: %s", strerror(-ret))
		       : 0;
}

static int run_registers(void *ctx, const struct jval *request, struct jval *answer)
{
	struct vm *vm = ctx;
	unsigned int cpus = vm->config->cpus;
	uint64_t vcpu;

	switch (jval_get_u64(request, "vcpu", &vcpu)) {
	case -ENOENT:
		return answer_registers(vm, 0, cpus, answer);
	case 0:
		if (vcpu < cpus)
			return answer_registers(vm, (unsigned int)vcpu, 1, answer);
		break;
	}
	return control_refuse(answer, "\"vcpu\" is 0 to %u, or left out for all", cpus - 1);
}

static int run_resize(void *ctx, const struct jval *request, struct jval *answer)
{
	const char *id = jval_get_string(request, "disk");
	uint64_t size;
	int ret;

	if (!id)
		return control_refuse(answer,
				      "\"disk\" is the id of a disk, as of --disk PATH,id=ID");
	ret = vm_resize_disk(ctx, id, &size);
	if (ret == -ENOENT)
		return control_refuse(answer, "there is no disk \"%.64s\"", id);
	if (ret < 0)
		return control_refuse(answer, "the disk's size cannot be had: %s", strerror(-ret));
	jval_put_u64(answer, "size", size);
	return 0;
}

/* A number is bytes; a text, as arcvisor ctl sends what has a letter, is read like --memory. */
static int run_balloon(void *ctx, const struct jval *request, struct jval *answer)
{
	const char *text = jval_get_string(request, "size");
	uint64_t size;

	if (text ? size_parse(text, &size) < 0 : jval_get_u64(request, "size", &size) < 0)
		return control_refuse(answer, "\"size\" is bytes, or a text such as \"512M\"");
	switch (vm_set_balloon(ctx, size)) {
	case 0:
		return 0;
	case -ENODEV:
		return control_refuse(answer, "the guest has no balloon; give it one by --balloon");
	default:
		return control_refuse(answer, "\"size\" is not whole pages of 4K, or more than the "
					      "guest's memory; say 512M for 512 MiB");
	}
}

static const struct control_command commands[] = {
	{ "status", run_status },   { "pause", run_pause },
	{ "resume", run_resume },   { "power-button", run_power_button },
	{ "stop", run_stop },	    { "reset", run_reset },
	{ "quit", run_quit },	    { "registers", run_registers },
	{ "exits", run_exits },	    { "resize", run_resize },
	{ "balloon", run_balloon },
};

int vm_control_init(struct vm *vm)
{
	const struct control_config config = {
		.path = vm->config->control,
		.commands = commands,
		.nr_commands = ARRAY_SIZE(commands),
		.ctx = vm,
	};

	return config.path ? control_server_create(vm->loop, &config, &vm->control) : 0;
}

static const char *end_name(enum machine_end end)
{
	static const char *const names[] = {
		[MACHINE_RUNNING] = "error",	 [MACHINE_OFF] = "off",
		[MACHINE_RESET] = "reset",	 [MACHINE_CRASH] = "crash",
		[MACHINE_QUIT] = "quit",	 [MACHINE_TIMEOUT] = "timeout",
		[MACHINE_WATCHDOG] = "watchdog",
	};

	return names[end];
}

void vm_control_fini(struct vm *vm, enum machine_end end)
{
	struct jval *event;

	if (!vm->control)
		return;
	event = jval_object();
	jval_put_string(event, "event", "ended");
	jval_put_string(event, "reason", end_name(end));
	control_server_tell(vm->control, event);
	control_server_destroy(vm->control);
	vm->control = NULL;
}
