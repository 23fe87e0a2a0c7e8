/* SPDX-License-Identifier: Apache-2.0 */
/* Being asked to stop: a guest that listens, one that does not, one that resets meanwhile. */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "backend/sim.h"
#include "boot/layout.h"
#include "hvc/psci.h"
#include "irq/irq.h"
#include "machine_rig.h"

#define GPIO_INTID (GIC_SPI_BASE + LAYOUT_GPIO_SPI)

static void setup(void)
{
	machine_rig_init();
}

static void teardown(void)
{
	machine_rig_fini();
}

TestSuite(power, .init = setup, .fini = teardown);

/* The guest asks for the button's interrupt, as gpio-keys does, and then waits. */
static void play_listen(void)
{
	machine_rig_play_write(LAYOUT_GPIO_BASE + 0x408, 1u << LAYOUT_POWER_PIN); /* GPIOIBE */
	machine_rig_play_write(LAYOUT_GPIO_BASE + 0x410, 1u << LAYOUT_POWER_PIN); /* GPIOIE */
}

Test(power, a_guest_that_listens_powers_off)
{
	play_listen();
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGTERM);
	sim_wait_calls(SIM_IRQ_SET, 1);
	cr_expect(sim_irq_level(GPIO_INTID));
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
}

Test(power, every_signal_presses)
{
	static const int signals[] = { SIGINT, SIGHUP };

	for (unsigned int i = 0; i < 2; i++) {
		play_listen();
		machine_rig_start();
		sim_wait_idle(0);
		kill(getpid(), signals[i]);
		sim_wait_calls(SIM_IRQ_SET, i + 1);
		machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
		cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	}
}

Test(power, a_second_signal_ends_at_once)
{
	play_listen();
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGTERM);
	sim_wait_calls(SIM_IRQ_SET, 1);
	kill(getpid(), SIGTERM);
	cr_expect_eq(machine_rig_wait(), MACHINE_QUIT);
}

Test(power, without_a_wait_it_ends_at_once)
{
	machine_rig_config.stop_timeout = 0;
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGTERM);
	cr_expect_eq(machine_rig_wait(), MACHINE_TIMEOUT);
}

Test(power, a_guest_that_does_not_listen_is_ended)
{
	machine_rig_config.stop_timeout = 1;
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGTERM);
	cr_expect_eq(machine_rig_wait(), MACHINE_TIMEOUT);
}

/* The new boot finds the button down, and what it then does counts. */
Test(power, a_guest_that_resets_meanwhile_is_asked_again)
{
	play_listen();
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGTERM);
	sim_wait_calls(SIM_IRQ_SET, 1);
	machine_rig_play_psci(PSCI_FN_SYSTEM_RESET);
	machine_rig_play_read(LAYOUT_GPIO_BASE + (4u << LAYOUT_POWER_PIN));
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_eq(machine_rig_last_read(), 1u << LAYOUT_POWER_PIN);
}

/* As under nohup, or in a shell's background. */
Test(power, an_ignored_signal_stays_ignored)
{
	signal(SIGHUP, SIG_IGN);
	machine_rig_start();
	sim_wait_idle(0);
	kill(getpid(), SIGHUP);
	machine_rig_play_psci(PSCI_FN_SYSTEM_OFF);
	cr_expect_eq(machine_rig_wait(), MACHINE_OFF);
	cr_expect_eq(sim_calls(SIM_IRQ_SET), 0);
}
