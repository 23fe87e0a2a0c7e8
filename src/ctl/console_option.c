/* SPDX-License-Identifier: Apache-2.0 */
/* --console, --virtio-console and --port: where bytes of the guest's go. */
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/options.h"
#include "word.h"

static bool take_place(struct console_config *console, const char *name, const char *value)
{
	static const struct {
		const char *word;
		enum console_kind kind;
	} words[] = {
		{ "stdio", CONSOLE_STDIO },
		{ "pty", CONSOLE_PTY },
		{ "none", CONSOLE_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(value, words[i].word) == 0) {
			console->kind = words[i].kind;
			return true;
		}
	console->kind = CONSOLE_FILE;
	if (strncmp(value, "socket=", 7) == 0) {
		console->kind = CONSOLE_SOCKET;
		value += 7;
	} else if (strncmp(value, "file=", 5) == 0) {
		value += 5;
	}
	return take_path(&console->path, name, value);
}

bool set_console(struct option_values *values, const char *name, const char *value)
{
	return take_place(&values->config.console, name, value);
}

bool set_virtio_console(struct option_values *values, const char *name, const char *value)
{
	values->config.has_terminal = true;
	values->config.terminal.name = "virtio-console";
	return take_place(&values->config.terminal, name, value);
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* What udev can make a link of (/dev/virtio-ports/NAME), and no two of them the same. */
static bool take_name(struct vm_config *config, const char *name, const char **out)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:+@";
	size_t len = strlen(name);

	if (!len || len > VCON_NAME_MAX || name[strspn(name, allowed)] || name[0] == '.') {
		log_error("--port: name=%.80s: give 1 to %u letters, digits or . - _ : + @, not "
			  ". first",
			  name, VCON_NAME_MAX);
		return false;
	}
	for (unsigned int i = 0; i < config->nr_ports; i++)
		if (strcmp(config->ports[i].name, name) == 0) {
			log_error("--port: name=%s: another port has that name", name);
			return false;
		}
	*out = name;
	return true;
}

bool set_port(struct vm_config *config, char *value)
{
	struct console_config port = { 0 };
	bool placed = false;
	char *rest = value, *word;

	if (config->nr_ports == VM_MAX_PORTS) {
		log_error("--port: there are %u, and no more can be", VM_MAX_PORTS);
		return false;
	}
	while (rest) {
		word = word_next(&rest);
		if (strncmp(word, "name=", 5) == 0) {
			if (!take_name(config, word + 5, &port.name))
				return false;
		} else if (strcmp(word, "pty") == 0 || strncmp(word, "socket=", 7) == 0 ||
			   strncmp(word, "file=", 5) == 0) {
			if (placed) {
				log_error("--port: \"%.64s\": it has a place already; give one",
					  word);
				return false;
			}
			placed = true;
			if (!take_place(&port, "port", word))
				return false;
		} else {
			log_error("--port: \"%.64s\": give name=NAME and socket=PATH, file=PATH or "
				  "pty",
				  word);
			return false;
		}
	}
	if (!port.name || !placed) {
		log_error("--port: give both name=NAME and socket=PATH, file=PATH or pty");
		return false;
	}
	config->ports[config->nr_ports++] = port;
	return true;
}

bool consoles_fit(const struct vm_config *config)
{
	if (!config->has_terminal || config->terminal.kind != CONSOLE_STDIO ||
	    config->console.kind != CONSOLE_STDIO)
		return true;
	log_error("--virtio-console stdio: the serial port is there already; move it with "
		  "--console none, a file, pty or socket=PATH");
	return false;
}
