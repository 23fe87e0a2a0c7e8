/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the entropy device. */
#include <string.h>

#include "base/log.h"
#include "guest.h"

static int failed(int error)
{
	log_error("cannot make the entropy device: %s", strerror(-error));
	return error;
}

int rng_build(struct guest *guest)
{
	const struct rng_config *config = &guest->parts->config->rng;
	struct guest_rng *rng = &guest->rng;
	int ret;

	if (!config->on)
		return 0;
	ret = vrng_create(guest->parts->loop, config->rate, &rng->vrng);
	if (ret == 0)
		ret = window_build(guest, vrng_device(rng->vrng), &rng->window);
	return ret < 0 ? failed(ret) : 0;
}

int rng_connect(struct guest *guest)
{
	int ret = guest->rng.vrng ? window_connect(guest, &guest->rng.window) : 0;

	return ret < 0 ? failed(ret) : 0;
}

void rng_describe(const struct guest *guest, struct fdt_config *fdt)
{
	if (guest->rng.vrng)
		window_describe(&guest->rng.window, fdt);
}

void rng_fini(struct guest *guest)
{
	struct guest_rng *rng = &guest->rng;

	if (!rng->vrng)
		return;
	window_disconnect(guest, &rng->window);
	window_fini(&rng->window);
	vrng_destroy(rng->vrng);
	*rng = (struct guest_rng){ 0 };
}
