/* SPDX-License-Identifier: Apache-2.0 */
#include "shell.h"

#include <criterion/criterion.h>

void shell_ready(struct machine *machine)
{
	cr_assert(machine_expect(machine, PROMPT), "no shell:\n%s\n%s", machine->text,
		  machine->errors);
}

void shell(struct machine *machine, const char *command, const char *want)
{
	machine_send(machine, command);
	machine_send(machine, "\n");
	cr_assert(machine_expect(machine, want), "%s: no '%s':\n%s\n%s", command, want,
		  machine->text, machine->errors);
	cr_assert(machine_expect(machine, PROMPT), "%s: no end of it:\n%s\n%s", command,
		  machine->text, machine->errors);
}

void shell_off(struct machine *machine)
{
	machine_send(machine, "poweroff -f\n");
	cr_expect_eq(machine_wait(machine), 0, "%s", machine->errors);
}
