/* SPDX-License-Identifier: Apache-2.0 */
/* PL031 real time clock. */
#include "device/pl031.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"
#include "reg.h"

/* DDI0224 3.2, register offsets over 4. */
enum {
	RTCDR,
	RTCMR,
	RTCLR,
	RTCCR,
	RTCIMSC,
	RTCRIS,
	RTCMIS,
	RTCICR,
	PERIPH_ID0 = REG_INDEX(0xfe0),
};

#define CR_START  BIT(0) /* DDI0224 3.3.4 */
#define INT_MATCH BIT(0) /* DDI0224 3.3.5 to 3.3.8 */

struct pl031 {
	uint64_t (*clock)(void *ctx);
	void *clock_ctx;
	pthread_mutex_t lock; /* guards what follows */
	int64_t offset;	      /* from the clock to the guest's time */
	int64_t match_time;   /* of the guest: when the next match comes */
	uint32_t match, load, mask;
	bool matched; /* RTCRIS */
};

static int64_t guest_time(const struct pl031 *rtc)
{
	return (int64_t)rtc->clock(rtc->clock_ctx) + rtc->offset;
}

/* The counter has 32 bits and goes round: there is a next match whatever the register says. */
static void set_match(struct pl031 *rtc, uint32_t match)
{
	int64_t now = guest_time(rtc);

	rtc->match = match;
	rtc->match_time = now + (uint32_t)(match - (uint32_t)now);
}

static void set_time(struct pl031 *rtc, uint32_t load)
{
	rtc->load = load;
	rtc->offset += load - guest_time(rtc);
	set_match(rtc, rtc->match);
}

/* Nobody is told when a match comes, so every look at the interrupt asks whether it has. */
static bool match_pending(struct pl031 *rtc)
{
	if (guest_time(rtc) >= rtc->match_time) {
		rtc->matched = true;
		rtc->match_time += (int64_t)BIT64(32);
	}
	return rtc->matched;
}

static void clear_match(struct pl031 *rtc, uint32_t val)
{
	if (match_pending(rtc) && (val & INT_MATCH))
		rtc->matched = false;
}

/* DDI0224 3.3.9 and 3.3.10: a PL031 by Arm. */
static uint32_t read_id(unsigned int reg)
{
	static const uint8_t ids[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	return reg >= PERIPH_ID0 && reg - PERIPH_ID0 < ARRAY_SIZE(ids) ? ids[reg - PERIPH_ID0] : 0;
}

static uint32_t read_reg(struct pl031 *rtc, unsigned int reg)
{
	switch (reg) {
	case RTCDR:
		return (uint32_t)guest_time(rtc);
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		return CR_START;
	case RTCIMSC:
		return rtc->mask;
	case RTCRIS:
		return match_pending(rtc) ? INT_MATCH : 0;
	case RTCMIS:
		return match_pending(rtc) ? INT_MATCH & rtc->mask : 0;
	}
	return read_id(reg);
}

static void write_reg(struct pl031 *rtc, unsigned int reg, uint32_t val)
{
	switch (reg) {
	case RTCMR:
		set_match(rtc, val);
		break;
	case RTCLR:
		set_time(rtc, val);
		break;
	case RTCIMSC:
		rtc->mask = val & INT_MATCH;
		break;
	case RTCICR:
		clear_match(rtc, val);
		break;
	}
}

static uint64_t pl031_read(void *dev, uint64_t offset, unsigned int len)
{
	struct pl031 *rtc = dev;
	uint32_t val;

	(void)len;
	pthread_mutex_lock(&rtc->lock);
	val = read_reg(rtc, REG_INDEX(offset));
	pthread_mutex_unlock(&rtc->lock);
	return reg_bytes(val, offset);
}

static void pl031_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct pl031 *rtc = dev;

	if (!reg_has_low_byte(offset))
		return;
	pthread_mutex_lock(&rtc->lock);
	write_reg(rtc, REG_INDEX(offset), reg_value(val, len));
	pthread_mutex_unlock(&rtc->lock);
}

static uint64_t host_clock(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

int pl031_create_on(uint64_t (*clock)(void *ctx), void *ctx, struct pl031 **out)
{
	struct pl031 *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return -ENOMEM;
	rtc->clock = clock;
	rtc->clock_ctx = ctx;
	pthread_mutex_init(&rtc->lock, NULL);
	set_match(rtc, 0);
	*out = rtc;
	return 0;
}

int pl031_create(struct pl031 **out)
{
	return pl031_create_on(host_clock, NULL, out);
}

void pl031_destroy(struct pl031 *rtc)
{
	if (!rtc)
		return;
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

const struct mmio_ops pl031_mmio_ops = {
	.read = pl031_read,
	.write = pl031_write,
};
