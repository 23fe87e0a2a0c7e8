/* SPDX-License-Identifier: Apache-2.0 */
/* Wires virtio consoles: host ends, and two devices at most. */
#include <errno.h>
#include <string.h>

#include "base/local_socket.h"
#include "base/log.h"
#include "guest.h"
#include "machine.h"

static int failed(int error)
{
	log_error("cannot make the virtio consoles: %s", strerror(-error));
	return error;
}

/* ---- host ends ------------------------------------------------------------------------------- */

static int check(const char *option, const struct console_config *end)
{
	return end->kind == CONSOLE_SOCKET ? local_socket_check(option, end->path) : 0;
}

int consoles_check(const struct vm_config *config)
{
	int ret = check("--console", &config->console);

	if (ret == 0 && config->has_terminal)
		ret = check("--virtio-console", &config->terminal);
	for (unsigned int i = 0; ret == 0 && i < config->nr_ports; i++)
		ret = check("--port", &config->ports[i]);
	return ret;
}

int consoles_open(struct vm *vm, void (*quit)(void *ctx))
{
	const struct vm_config *config = vm->config;
	int ret = 0;

	if (config->has_terminal)
		ret = console_create(vm->loop, &config->terminal, quit, vm, &vm->terminal);
	for (unsigned int i = 0; ret == 0 && i < config->nr_ports; i++)
		ret = console_create(vm->loop, &config->ports[i], quit, vm, &vm->ports[i]);
	return ret;
}

void consoles_close(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->config->nr_ports; i++)
		console_destroy(vm->ports[i]);
	console_destroy(vm->terminal);
}

/* ---- devices --------------------------------------------------------------------------------- */

static int build(struct guest *guest, int ret, struct guest_console *console)
{
	if (ret == 0)
		ret = window_build(guest, vcon_device(console->vcon), &console->window);
	return ret < 0 ? failed(ret) : 0;
}

static int build_ports(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct guest_console *ports = &guest->consoles.ports;
	struct vcon_end ends[VM_MAX_PORTS];

	for (unsigned int i = 0; i < parts->config->nr_ports; i++)
		ends[i] = (struct vcon_end){ parts->ports[i], parts->config->ports[i].name };
	return build(guest,
		     vcon_create_ports(parts->loop, ends, parts->config->nr_ports, &ports->vcon),
		     ports);
}

int consoles_build(struct guest *guest)
{
	const struct guest_parts *parts = guest->parts;
	struct guest_console *terminal = &guest->consoles.terminal;
	int ret = 0;

	if (parts->terminal)
		ret = build(guest,
			    vcon_create_terminal(parts->loop, parts->terminal, &terminal->vcon),
			    terminal);
	if (ret == 0 && parts->config->nr_ports)
		ret = build_ports(guest);
	return ret;
}

int consoles_connect(struct guest *guest)
{
	struct guest_consoles *consoles = &guest->consoles;
	int ret = 0;

	if (consoles->terminal.vcon)
		ret = window_connect(guest, &consoles->terminal.window);
	if (ret == 0 && consoles->ports.vcon)
		ret = window_connect(guest, &consoles->ports.window);
	return ret < 0 ? failed(ret) : 0;
}

void consoles_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (guest->consoles.terminal.vcon)
		window_describe(&guest->consoles.terminal.window, fdt);
	if (guest->consoles.ports.vcon)
		window_describe(&guest->consoles.ports.window, fdt);
}

static void fini(struct guest *guest, struct guest_console *console)
{
	if (!console->vcon)
		return;
	vcon_detach(console->vcon);
	window_disconnect(guest, &console->window);
	window_fini(&console->window);
	vcon_destroy(console->vcon);
	*console = (struct guest_console){ 0 };
}

void consoles_fini(struct guest *guest)
{
	fini(guest, &guest->consoles.ports);
	fini(guest, &guest->consoles.terminal);
}
