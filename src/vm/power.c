/* SPDX-License-Identifier: Apache-2.0 */
/* How a machine is asked to end: signals, the power button, a deadline, and its watchdog. */
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "machine.h"

#define NS_PER_S 1000000000ull

void vm_power_button(struct vm *vm)
{
	power_button_press(&vm->guest->power_button);
}

void vm_stop(struct vm *vm)
{
	if (vm->stopping)
		return;
	vm->stopping = true;
	if (vm->crashed) { /* nobody there who could see the button */
		vm_end(vm, MACHINE_QUIT);
		return;
	}
	if (!vm->config->stop_timeout) {
		vm_end(vm, MACHINE_TIMEOUT);
		return;
	}
	vm_resume(vm); /* or it could not listen */
	vm_power_button(vm);
	loop_timer_set(&vm->stop_timer, vm->config->stop_timeout * NS_PER_S);
}

void vm_power_guest(struct vm *vm)
{
	if (vm->stopping)
		vm_power_button(vm);
}

static void stop_expired(void *ctx)
{
	struct vm *vm = ctx;

	log_error("the guest has not powered off %u s after its power button was pressed: ended",
		  vm->config->stop_timeout);
	vm_end(vm, MACHINE_TIMEOUT);
}

/* Who asks a second time does not want to wait. */
static void vm_signal(void *ctx, int signo)
{
	struct vm *vm = ctx;

	log_info("signal %d (%s)%s", signo, strsignal(signo), vm->stopping ? " again" : "");
	if (vm->stopping)
		vm_end(vm, MACHINE_QUIT);
	else
		vm_stop(vm);
}

/* Where the host does not say what the counter is, only the guest's idea of time left suffers. */
void vm_watchdog_start(struct vm *vm)
{
	uint64_t counter = 0;

	if (!vm->guest->watchdog)
		return;
	if (vcpu_set_get_counter(vm->guest->vcpus, &counter) < 0)
		log_debug("the watchdog does not know the guest's counter");
	watchdog_start(vm->guest->watchdog, counter);
}

void vm_watchdog_expired(void *ctx)
{
	struct vm *vm = ctx;

	switch (vm->config->watchdog) {
	case VM_WATCHDOG_RESET:
		log_warn("the guest's watchdog expired: it is reset");
		vm_end(vm, MACHINE_RESET);
		break;
	case VM_WATCHDOG_EXIT:
		log_error("the guest's watchdog expired: it is ended");
		vm_end(vm, MACHINE_WATCHDOG);
		break;
	case VM_WATCHDOG_PAUSE:
		log_warn("the guest's watchdog expired: it is paused; arcvisor ctl can resume, "
			 "reset or quit");
		vm_pause(vm);
		break;
	case VM_WATCHDOG_OFF:
		break;
	}
}

/* A signal that was ignored when we were started stays so: nohup(1), a shell's background jobs. */
static void add_unless_ignored(sigset_t *set, int signo)
{
	struct sigaction action;

	if (sigaction(signo, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
		sigaddset(set, signo);
}

static int init_signals(struct vm *vm)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		add_unless_ignored(&set, signals[i]);
	return loop_signal_init(vm->loop, &vm->signals, &set, vm_signal, vm);
}

int vm_power_init(struct vm *vm)
{
	int ret = init_signals(vm);

	if (ret < 0)
		return ret;
	ret = loop_timer_init(vm->loop, &vm->stop_timer, stop_expired, vm);
	if (ret < 0)
		loop_signal_fini(vm->loop, &vm->signals);
	return ret;
}

void vm_power_fini(struct vm *vm)
{
	loop_timer_fini(vm->loop, &vm->stop_timer);
	loop_signal_fini(vm->loop, &vm->signals);
}
