/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt lines over a backend, and the allocator of SPIs. */
#include "irq/irq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define GIC_SPI_END 1020u /* 1020 to 1023 are special INTIDs (Arm IHI0069 2.2.1) */

void irq_line_init(struct irq_line *line, const struct backend_ops *ops, struct backend_vm *vm,
		   unsigned int intid, enum irq_trigger trigger)
{
	*line = (struct irq_line){
		.ops = ops,
		.vm = vm,
		.intid = intid,
		.trigger = trigger,
		.eventfd = -1,
	};
}

int irq_line_bind_eventfd(struct irq_line *line)
{
	int fd, ret;

	assert(line->eventfd < 0);
	if (line->trigger != IRQ_EDGE_RISING)
		return -EINVAL;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = line->ops->irqfd_bind(line->vm, fd, line->intid);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	line->eventfd = fd;
	return 0;
}

void irq_line_fini(struct irq_line *line)
{
	if (line->eventfd < 0)
		return;
	line->ops->irqfd_unbind(line->vm, line->eventfd, line->intid);
	close(line->eventfd);
	line->eventfd = -1;
}

/* A wire that cannot be driven is the host's failure; the guest misses an interrupt. */
static int drive(const struct irq_line *line, bool level)
{
	static struct log_limit limit = { .burst = 5 };
	int ret = line->ops->irq_set(line->vm, line->intid, level);

	if (ret < 0)
		log_limited(&limit, LOG_LEVEL_ERROR, "cannot drive interrupt %u: %s", line->intid,
			    strerror(-ret));
	return ret;
}

void irq_line_set(struct irq_line *line, bool level)
{
	assert(line->trigger == IRQ_LEVEL_HIGH);
	if (line->level != level && drive(line, level) == 0)
		line->level = level;
}

void irq_line_pulse(struct irq_line *line)
{
	assert(line->trigger == IRQ_EDGE_RISING);
	if (line->eventfd >= 0) {
		/* Fails only where the counter is full: an interrupt is pending then anyway. */
		(void)eventfd_write(line->eventfd, 1);
		return;
	}
	drive(line, true);
	drive(line, false);
}

void irq_allocator_init(struct irq_allocator *alloc, unsigned int nr_irqs)
{
	*alloc = (struct irq_allocator){ .nr_irqs = nr_irqs };
}

int irq_claim(struct irq_allocator *alloc, unsigned int intid)
{
	unsigned char bit = (unsigned char)BIT(intid % 8);

	if (intid < GIC_SPI_BASE || intid >= alloc->nr_irqs || intid >= GIC_SPI_END)
		return -EINVAL;
	if (alloc->used[intid / 8] & bit)
		return -EBUSY;
	alloc->used[intid / 8] |= bit;
	return 0;
}

int irq_alloc(struct irq_allocator *alloc, unsigned int *intid)
{
	for (unsigned int i = GIC_SPI_BASE; i < alloc->nr_irqs; i++) {
		if (irq_claim(alloc, i) == 0) {
			*intid = i;
			return 0;
		}
	}
	return -ENOSPC;
}
