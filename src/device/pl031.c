/* SPDX-License-Identifier: Apache-2.0 */
/* PL031 real time clock (Arm DDI0224B). */
#include "device/pl031.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"

/* Register offsets, 3.2. */
enum pl031_reg {
	RTCDR = 0x00,
	RTCMR = 0x04,
	RTCLR = 0x08,
	RTCCR = 0x0c,
	RTCIMSC = 0x10,
	RTCRIS = 0x14,
	RTCMIS = 0x18,
	RTCICR = 0x1c,
	RTCPERIPHID0 = 0xfe0,
};

static const uint8_t pl031_id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

struct pl031 {
	pthread_mutex_t lock; /* guards all below; a leaf */
	uint32_t offset;      /* what the guest's time is ahead of the host's, modulo 2^32 s */
	uint32_t match, load, imsc;
	uint32_t match_seen; /* matches up to this guest time are in ris */
	bool ris;
};

static uint32_t guest_time(const struct pl031 *rtc)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint32_t)now.tv_sec + rtc->offset;
}

/*
 * The match latches when the counter comes by it: looked at when the guest asks. The host's clock
 * may have been put back since, and then no time has passed.
 */
static bool raw_status(struct pl031 *rtc)
{
	uint32_t now = guest_time(rtc);
	uint32_t passed = now - rtc->match_seen;

	if ((int32_t)passed > 0 && rtc->match - rtc->match_seen - 1 < passed)
		rtc->ris = true;
	rtc->match_seen = now;
	return rtc->ris;
}

static uint32_t read_reg(struct pl031 *rtc, uint32_t reg)
{
	switch (reg) {
	case RTCDR:
		return guest_time(rtc);
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		return 1; /* always counting */
	case RTCIMSC:
		return rtc->imsc;
	case RTCRIS:
		return raw_status(rtc);
	case RTCMIS:
		return raw_status(rtc) && rtc->imsc;
	default:
		return reg >= RTCPERIPHID0 ? pl031_id[(reg - RTCPERIPHID0) / 4] : 0;
	}
}

static void write_reg(struct pl031 *rtc, uint32_t reg, uint32_t val)
{
	switch (reg) {
	case RTCMR:
		raw_status(rtc);
		rtc->match = val;
		rtc->match_seen--; /* a match that is now counts, 2.2 */
		break;
	case RTCLR:
		raw_status(rtc);
		rtc->load = val;
		rtc->offset += val - guest_time(rtc);
		rtc->match_seen = val - 1;
		break;
	case RTCIMSC:
		rtc->imsc = val & 1;
		break;
	case RTCICR:
		raw_status(rtc);
		if (val & 1)
			rtc->ris = false;
		break;
	default:
		break;
	}
}

static uint64_t pl031_read(void *dev, uint64_t offset, unsigned int len)
{
	struct pl031 *rtc = dev;
	uint32_t val;

	(void)len;
	pthread_mutex_lock(&rtc->lock);
	val = read_reg(rtc, (uint32_t)offset & ~3u);
	pthread_mutex_unlock(&rtc->lock);
	return val >> (8 * (offset & 3));
}

static void pl031_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct pl031 *rtc = dev;

	(void)len;
	if (offset & 3)
		return;
	pthread_mutex_lock(&rtc->lock);
	write_reg(rtc, (uint32_t)offset, (uint32_t)val);
	pthread_mutex_unlock(&rtc->lock);
}

int pl031_create(struct pl031 **out)
{
	struct pl031 *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return -ENOMEM;
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->match_seen = guest_time(rtc);
	*out = rtc;
	return 0;
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
