/* SPDX-License-Identifier: Apache-2.0 */
/* PL061 general purpose I/O. */
#include "device/pl061.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/util.h"
#include "reg.h"

/* DDI0190 3.2, register offsets over 4. GPIODATA is at all that lie below GPIODIR. */
enum {
	GPIODIR = REG_INDEX(0x400),
	GPIOIS,
	GPIOIBE,
	GPIOIEV,
	GPIOIE,
	GPIORIS,
	GPIOMIS,
	GPIOIC,
	GPIOAFSEL,
	PERIPH_ID0 = REG_INDEX(0xfe0),
};

struct pl061 {
	struct irq_line *line;
	void (*sampled)(void *ctx, uint8_t pins);
	void *sampled_ctx;
	pthread_mutex_t lock;  /* guards what follows, and the line */
	uint8_t input, output; /* what comes from outside, what the guest drives */
	uint8_t dir;	       /* 1: output */
	uint8_t is, ibe, iev;  /* level, both edges, high or rising */
	uint8_t ie, afsel;
	uint8_t edges; /* seen and not cleared */
};

/* An edge is kept until it is cleared, a level is what it is now (DDI0190 3.3.3, 3.3.7). */
static uint8_t raw_status(const struct pl061 *gpio)
{
	uint8_t active = (uint8_t) ~(gpio->input ^ gpio->iev) & (uint8_t)~gpio->dir;

	return (active & gpio->is) | (gpio->edges & (uint8_t)~gpio->is);
}

static void update_line(struct pl061 *gpio)
{
	irq_line_set(gpio->line, (raw_status(gpio) & gpio->ie) != 0);
}

/* DDI0190 3.3.4: GPIOIBE overrules GPIOIEV. */
static void change_input(struct pl061 *gpio, uint8_t input)
{
	uint8_t changed = (uint8_t)((gpio->input ^ input) & ~gpio->dir & ~gpio->is);

	gpio->input = input;
	gpio->edges |= (uint8_t)(changed & (gpio->ibe | ~(input ^ gpio->iev)));
}

/* Address bits 9 to 2 say which pins an access is about (DDI0190 3.3.1). */
static uint8_t read_data(const struct pl061 *gpio, unsigned int pins)
{
	uint8_t inputs = (uint8_t)(gpio->input & ~gpio->dir & pins);

	if (inputs && gpio->sampled)
		gpio->sampled(gpio->sampled_ctx, inputs);
	return (uint8_t)(inputs | (gpio->output & gpio->dir & pins));
}

static void write_data(struct pl061 *gpio, unsigned int pins, uint8_t val)
{
	uint8_t driven = (uint8_t)(pins & gpio->dir);

	gpio->output = (uint8_t)((gpio->output & ~driven) | (val & driven));
}

/* DDI0190 3.3.11 and 3.3.12: a PL061 by Arm. */
static uint8_t read_id(unsigned int reg)
{
	static const uint8_t ids[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	return reg >= PERIPH_ID0 && reg - PERIPH_ID0 < ARRAY_SIZE(ids) ? ids[reg - PERIPH_ID0] : 0;
}

static uint8_t read_reg(const struct pl061 *gpio, unsigned int reg)
{
	if (reg < GPIODIR)
		return read_data(gpio, reg);
	switch (reg) {
	case GPIODIR:
		return gpio->dir;
	case GPIOIS:
		return gpio->is;
	case GPIOIBE:
		return gpio->ibe;
	case GPIOIEV:
		return gpio->iev;
	case GPIOIE:
		return gpio->ie;
	case GPIORIS:
		return raw_status(gpio);
	case GPIOMIS:
		return raw_status(gpio) & gpio->ie;
	case GPIOAFSEL:
		return gpio->afsel;
	}
	return read_id(reg);
}

static void write_reg(struct pl061 *gpio, unsigned int reg, uint8_t val)
{
	if (reg < GPIODIR) {
		write_data(gpio, reg, val);
		return;
	}
	switch (reg) {
	case GPIODIR:
		gpio->dir = val;
		break;
	case GPIOIS:
		gpio->is = val;
		break;
	case GPIOIBE:
		gpio->ibe = val;
		break;
	case GPIOIEV:
		gpio->iev = val;
		break;
	case GPIOIE:
		gpio->ie = val;
		break;
	case GPIOIC:
		gpio->edges &= (uint8_t)~val;
		break;
	case GPIOAFSEL:
		gpio->afsel = val;
		break;
	}
}

static uint64_t pl061_read(void *dev, uint64_t offset, unsigned int len)
{
	struct pl061 *gpio = dev;
	uint8_t val;

	(void)len;
	if (!reg_has_low_byte(offset))
		return 0; /* no register has more than one byte */
	pthread_mutex_lock(&gpio->lock);
	val = read_reg(gpio, REG_INDEX(offset));
	pthread_mutex_unlock(&gpio->lock);
	return val;
}

static void pl061_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct pl061 *gpio = dev;

	(void)len;
	if (!reg_has_low_byte(offset))
		return;
	pthread_mutex_lock(&gpio->lock);
	write_reg(gpio, REG_INDEX(offset), (uint8_t)val);
	update_line(gpio);
	pthread_mutex_unlock(&gpio->lock);
}

void pl061_set_input(struct pl061 *gpio, unsigned int pin, bool high)
{
	uint8_t bit = (uint8_t)BIT(pin);

	pthread_mutex_lock(&gpio->lock);
	change_input(gpio, (uint8_t)(high ? gpio->input | bit : gpio->input & ~bit));
	update_line(gpio);
	pthread_mutex_unlock(&gpio->lock);
}

void pl061_watch(struct pl061 *gpio, void (*sampled)(void *ctx, uint8_t pins), void *ctx)
{
	gpio->sampled = sampled;
	gpio->sampled_ctx = ctx;
}

int pl061_create(struct irq_line *line, struct pl061 **out)
{
	struct pl061 *gpio = calloc(1, sizeof(*gpio));

	if (!gpio)
		return -ENOMEM;
	gpio->line = line;
	pthread_mutex_init(&gpio->lock, NULL);
	*out = gpio;
	return 0;
}

void pl061_destroy(struct pl061 *gpio)
{
	if (!gpio)
		return;
	pthread_mutex_destroy(&gpio->lock);
	free(gpio);
}

const struct mmio_ops pl061_mmio_ops = {
	.read = pl061_read,
	.write = pl061_write,
};
