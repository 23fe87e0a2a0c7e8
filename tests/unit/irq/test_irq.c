/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt lines: what reaches the backend. */
#include "irq/irq.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "recorder.h"

#define INTID 40u

static struct backend_vm vm;
static struct irq_line line;

static void setup(void)
{
	memset(&vm, 0, sizeof(vm));
	irq_line_init(&line, &recorder_ops, &vm, INTID, IRQ_LEVEL_HIGH);
}

static void setup_edge(void)
{
	setup();
	irq_line_init(&line, &recorder_ops, &vm, INTID, IRQ_EDGE_RISING);
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	close(fd);
	return fd;
}

TestSuite(irq_level, .init = setup);
TestSuite(irq_edge, .init = setup_edge);

Test(irq_level, a_new_line_asks_nothing_of_the_backend)
{
	cr_assert_eq(vm.nr_calls, 0);
	cr_assert_eq(line.intid, INTID);
	cr_assert_eq(line.trigger, IRQ_LEVEL_HIGH);
}

Test(irq_level, only_changes_reach_the_backend)
{
	irq_line_set(&line, false);
	irq_line_set(&line, true);
	irq_line_set(&line, true);
	irq_line_set(&line, false);
	irq_line_set(&line, false);
	irq_line_set(&line, true);
	EXPECT_LEVELS(&vm, INTID, true, false, true);
}

/* The wire is not where the device wants it, so the next call must not be taken for repetition. */
Test(irq_level, a_level_that_the_backend_refused_is_tried_again)
{
	vm.error = -EIO;
	irq_line_set(&line, true);
	vm.error = 0;
	irq_line_set(&line, true);
	irq_line_set(&line, true);
	EXPECT_LEVELS(&vm, INTID, true, true);
}

Test(irq_level, takes_no_eventfd)
{
	int fd = lowest_free_fd();

	cr_assert_eq(irq_line_bind_eventfd(&line), -EINVAL);
	cr_assert_eq(vm.nr_calls, 0);
	cr_assert_eq(line.eventfd, -1);
	cr_assert_eq(lowest_free_fd(), fd);
}

Test(irq_level, fini_of_a_line_without_eventfd_asks_nothing)
{
	irq_line_fini(&line);
	cr_assert_eq(vm.nr_calls, 0);
}

Test(irq_level, cannot_be_pulsed, .signal = SIGABRT)
{
	irq_line_pulse(&line);
}

Test(irq_edge, cannot_be_set, .signal = SIGABRT)
{
	irq_line_set(&line, true);
}

Test(irq_edge, a_pulse_raises_and_lowers_the_wire)
{
	irq_line_pulse(&line);
	irq_line_pulse(&line);
	EXPECT_LEVELS(&vm, INTID, true, false, true, false);
}

Test(irq_edge, binds_a_new_eventfd)
{
	int flags;

	cr_assert_eq(irq_line_bind_eventfd(&line), 0);
	cr_assert_eq(vm.nr_calls, 1);
	cr_assert_eq(vm.calls[0].op, RECORDER_BIND);
	cr_assert_eq(vm.calls[0].intid, INTID);
	cr_assert_eq(vm.calls[0].fd, line.eventfd);
	flags = fcntl(line.eventfd, F_GETFD);
	cr_assert(flags >= 0 && flags & FD_CLOEXEC);
	irq_line_fini(&line);
}

Test(irq_edge, a_pulse_of_a_bound_line_is_one_write)
{
	eventfd_t pulses = 0;

	cr_assert_eq(irq_line_bind_eventfd(&line), 0);
	irq_line_pulse(&line);
	irq_line_pulse(&line);
	cr_assert_eq(eventfd_read(line.eventfd, &pulses), 0);
	cr_assert_eq(pulses, 2);
	cr_assert_eq(vm.nr_calls, 1, "more than the binding");
	irq_line_fini(&line);
}

/* Nobody reads the counter here: a full one must not stop a vCPU. */
Test(irq_edge, a_pulse_never_waits)
{
	cr_assert_eq(irq_line_bind_eventfd(&line), 0);
	cr_assert_eq(eventfd_write(line.eventfd, UINT64_MAX - 1), 0);
	irq_line_pulse(&line);
	irq_line_fini(&line);
}

Test(irq_edge, a_refused_binding_leaves_a_line_driven_by_calls)
{
	int fd = lowest_free_fd();

	vm.error = -ENODEV;
	cr_assert_eq(irq_line_bind_eventfd(&line), -ENODEV);
	cr_assert_eq(line.eventfd, -1);
	cr_assert_eq(lowest_free_fd(), fd);
	memset(&vm, 0, sizeof(vm));
	irq_line_pulse(&line);
	EXPECT_LEVELS(&vm, INTID, true, false);
}

Test(irq_edge, passes_on_that_there_is_no_descriptor)
{
	struct rlimit limit = { 0, 0 };

	limit.rlim_cur = limit.rlim_max = (rlim_t)lowest_free_fd();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(irq_line_bind_eventfd(&line), -EMFILE);
	cr_assert_eq(vm.nr_calls, 0);
}

Test(irq_edge, fini_unbinds_then_closes_once)
{
	int fd;

	cr_assert_eq(irq_line_bind_eventfd(&line), 0);
	fd = line.eventfd;
	irq_line_fini(&line);
	irq_line_fini(&line);
	cr_assert_eq(vm.nr_calls, 2);
	cr_assert_eq(vm.calls[1].op, RECORDER_UNBIND);
	cr_assert_eq(vm.calls[1].intid, INTID);
	cr_assert_eq(vm.calls[1].fd, fd);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
	cr_assert_eq(line.eventfd, -1);
}
