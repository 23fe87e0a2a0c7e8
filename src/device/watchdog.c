/* SPDX-License-Identifier: Apache-2.0 */
/* The generic watchdog: two stages, a compare value, and the guest's time. */
#include "device/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"

#define NS_PER_S 1000000000ull

/* DEN0029, register summary of the control frame; the refresh frame has WRR at 0. */
enum {
	WCS = 0x000,
	WOR = 0x008,
	WORU = 0x00c,
	WCV = 0x010,
	WCVU = 0x014,
	WRR = 0x000,
	W_IIDR = 0xfcc,
};

#define WCS_EN	BIT(0)
#define WCS_WS0 BIT(1)
#define WCS_WS1 BIT(2)

#define WOR_MASK   (BIT64(48) - 1)     /* architecture version 1 */
#define IIDR	   (1u << 16 | 0x43bu) /* version 1, by Arm */
#define LONGEST_NS (3600 * NS_PER_S)   /* of a timer: then it looks again */

struct watchdog {
	struct watchdog_config config;
	struct loop_timer timer;
	pthread_mutex_t lock; /* guards what follows, and the line */
	bool runs;
	uint64_t counter; /* the guest's, when it last began to run or was paused */
	uint64_t since;	  /* nanoseconds: when it began to run */
	uint32_t wcs;
	uint64_t wor, wcv;
	struct watchdog_stats stats;
};

static uint64_t raw_now(void)
{
	struct timespec ts;

	/* Not corrected by NTP: the counter is not, either. */
	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t counter_now(const struct watchdog *watchdog)
{
	unsigned __int128 ns;

	if (!watchdog->runs)
		return watchdog->counter;
	ns = watchdog->config.now() - watchdog->since;
	return watchdog->counter + (uint64_t)(ns * watchdog->config.hz / NS_PER_S);
}

/* Nanoseconds until the counter is more than @ticks further, and no less. */
static uint64_t ns_of(const struct watchdog *watchdog, uint64_t ticks)
{
	unsigned __int128 ns = ((unsigned __int128)ticks + 1) * NS_PER_S / watchdog->config.hz + 1;

	return ns < LONGEST_NS ? (uint64_t)ns : LONGEST_NS;
}

static bool counts(const struct watchdog *watchdog)
{
	return watchdog->runs && (watchdog->wcs & WCS_EN) && !(watchdog->wcs & WCS_WS1);
}

/* It expires when the counter is beyond WCV. */
static void set_timer(struct watchdog *watchdog)
{
	uint64_t now = counter_now(watchdog);

	if (!counts(watchdog))
		loop_timer_set(&watchdog->timer, 0);
	else if (watchdog->wcv < now)
		loop_timer_set(&watchdog->timer, 1);
	else
		loop_timer_set(&watchdog->timer, ns_of(watchdog, watchdog->wcv - now));
}

static void update(struct watchdog *watchdog)
{
	set_timer(watchdog);
	irq_line_set(watchdog->config.line, watchdog->wcs & WCS_WS0);
}

/* ---- stages ---------------------------------------------------------------------------------- */

/* An explicit refresh: both signals go. */
static void refresh(struct watchdog *watchdog)
{
	watchdog->wcs &= WCS_EN;
	watchdog->wcv = counter_now(watchdog) + watchdog->wor;
	watchdog->stats.refreshes++;
	update(watchdog);
}

/* True: that was the second stage. */
static bool next_stage(struct watchdog *watchdog)
{
	if (watchdog->wcs & WCS_WS0) {
		watchdog->wcs |= WCS_WS1;
		return true;
	}
	watchdog->wcs |= WCS_WS0;
	watchdog->wcv = counter_now(watchdog) + watchdog->wor;
	watchdog->stats.warnings++;
	return false;
}

/* What the timer was set for may have been put off meanwhile. */
static void timer_expired(void *ctx)
{
	struct watchdog *watchdog = ctx;
	bool second = false;

	pthread_mutex_lock(&watchdog->lock);
	if (counts(watchdog) && watchdog->wcv < counter_now(watchdog))
		second = next_stage(watchdog);
	update(watchdog);
	pthread_mutex_unlock(&watchdog->lock);
	if (second)
		watchdog->config.expired(watchdog->config.ctx);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t read_control(const struct watchdog *watchdog, uint64_t reg)
{
	switch (reg) {
	case WCS:
		return watchdog->wcs;
	case WOR:
		return (uint32_t)watchdog->wor;
	case WORU:
		return (uint32_t)(watchdog->wor >> 32);
	case WCV:
		return (uint32_t)watchdog->wcv;
	case WCVU:
		return (uint32_t)(watchdog->wcv >> 32);
	case W_IIDR:
		return IIDR;
	}
	return 0;
}

static void set_half(uint64_t *reg, bool upper, uint32_t val)
{
	unsigned int shift = upper ? 32 : 0;

	*reg = (*reg & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)val << shift;
}

static void write_control(struct watchdog *watchdog, uint64_t reg, uint32_t val)
{
	switch (reg) {
	case WCS:
		watchdog->wcs = val & WCS_EN;
		refresh(watchdog);
		break;
	case WOR:
	case WORU:
		set_half(&watchdog->wor, reg == WORU, val);
		watchdog->wor &= WOR_MASK;
		refresh(watchdog);
		break;
	case WCV:
	case WCVU:
		set_half(&watchdog->wcv, reg == WCVU, val);
		update(watchdog);
		break;
	}
}

/* Registers are of 32 bits, and the two that have a second half also of 64. */
static bool is_whole(uint64_t offset, unsigned int len)
{
	return (len == 4 && offset % 4 == 0) || (len == 8 && offset % 8 == 0);
}

static uint64_t control_read(void *dev, uint64_t offset, unsigned int len)
{
	struct watchdog *watchdog = dev;
	uint64_t val;

	if (!is_whole(offset, len))
		return 0;
	pthread_mutex_lock(&watchdog->lock);
	val = read_control(watchdog, offset);
	if (len == 8)
		val |= (uint64_t)read_control(watchdog, offset + 4) << 32;
	pthread_mutex_unlock(&watchdog->lock);
	return val;
}

static void control_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct watchdog *watchdog = dev;

	if (!is_whole(offset, len))
		return;
	pthread_mutex_lock(&watchdog->lock);
	write_control(watchdog, offset, (uint32_t)val);
	if (len == 8)
		write_control(watchdog, offset + 4, (uint32_t)(val >> 32));
	pthread_mutex_unlock(&watchdog->lock);
}

static uint64_t refresh_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	return is_whole(offset, len) && offset == W_IIDR ? IIDR : 0;
}

/* Whatever is written. */
static void refresh_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct watchdog *watchdog = dev;

	(void)val;
	if (!is_whole(offset, len) || offset != WRR)
		return;
	pthread_mutex_lock(&watchdog->lock);
	refresh(watchdog);
	pthread_mutex_unlock(&watchdog->lock);
}

const struct mmio_ops watchdog_control_ops = { .read = control_read, .write = control_write };
const struct mmio_ops watchdog_refresh_ops = { .read = refresh_read, .write = refresh_write };

/* ---- life ------------------------------------------------------------------------------------ */

int watchdog_create(const struct watchdog_config *config, struct watchdog **out)
{
	struct watchdog *watchdog = calloc(1, sizeof(*watchdog));
	int ret;

	assert(config->hz);
	if (!watchdog)
		return -ENOMEM;
	ret = loop_timer_init(config->loop, &watchdog->timer, timer_expired, watchdog);
	if (ret < 0) {
		free(watchdog);
		return ret;
	}
	watchdog->config = *config;
	if (!config->now)
		watchdog->config.now = raw_now;
	pthread_mutex_init(&watchdog->lock, NULL);
	*out = watchdog;
	return 0;
}

void watchdog_destroy(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	loop_timer_fini(watchdog->config.loop, &watchdog->timer);
	pthread_mutex_destroy(&watchdog->lock);
	free(watchdog);
}

static void set_runs(struct watchdog *watchdog, bool runs)
{
	if (runs == watchdog->runs)
		return;
	watchdog->counter = counter_now(watchdog);
	watchdog->since = watchdog->config.now();
	watchdog->runs = runs;
	update(watchdog);
}

void watchdog_start(struct watchdog *watchdog, uint64_t counter)
{
	pthread_mutex_lock(&watchdog->lock);
	watchdog->counter = counter;
	set_runs(watchdog, true);
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_pause(struct watchdog *watchdog)
{
	pthread_mutex_lock(&watchdog->lock);
	set_runs(watchdog, false);
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_resume(struct watchdog *watchdog)
{
	pthread_mutex_lock(&watchdog->lock);
	set_runs(watchdog, true);
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_get_stats(struct watchdog *watchdog, struct watchdog_stats *stats)
{
	pthread_mutex_lock(&watchdog->lock);
	*stats = watchdog->stats;
	stats->enabled = watchdog->wcs & WCS_EN;
	pthread_mutex_unlock(&watchdog->lock);
}
