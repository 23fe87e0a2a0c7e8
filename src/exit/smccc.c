/* SPDX-License-Identifier: Apache-2.0 */
/* SMCCC services: function identifier to handler. */
#include "exit/smccc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SMCCC_MAX_ARGS 7 /* X1 to X7: DEN0028, register use in calls */

void smccc_table_init(struct smccc_table *table)
{
	table->frozen = false;
	table->nr_services = 0;
}

/* How many services begin at or below @fid: the last of them is the only one that may take it. */
static unsigned int smccc_rank(const struct smccc_table *table, uint32_t fid)
{
	unsigned int low = 0;
	unsigned int high = table->nr_services;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (table->services[mid].first <= fid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool smccc_overlaps(const struct smccc_table *table, unsigned int at, uint64_t first,
			   uint64_t count)
{
	const struct smccc_service *next = &table->services[at];

	if (at < table->nr_services && ranges_overlap(first, count, next->first, next->count))
		return true;
	return at > 0 && ranges_overlap(first, count, next[-1].first, next[-1].count);
}

int smccc_table_add(struct smccc_table *table, uint32_t first, uint32_t count, const char *name,
		    smccc_handler handler, void *ctx)
{
	unsigned int at;

	if (table->frozen)
		return -EBUSY;
	if (!count || count - 1 > UINT32_MAX - first)
		return -EINVAL;
	at = smccc_rank(table, first);
	if (smccc_overlaps(table, at, first, count))
		return -EEXIST;
	if (table->nr_services == SMCCC_MAX_SERVICES)
		return -ENOSPC;
	memmove(&table->services[at + 1], &table->services[at],
		(table->nr_services - at) * sizeof(table->services[0]));
	table->services[at] = (struct smccc_service){
		.first = first,
		.count = count,
		.name = name,
		.handler = handler,
		.ctx = ctx,
	};
	table->nr_services++;
	return 0;
}

int smccc_table_install(struct smccc_table *table, const struct backend_ops *ops,
			struct backend_vm *vm)
{
	unsigned int i;

	table->frozen = true;
	for (i = 0; i < table->nr_services; i++) {
		const struct smccc_service *service = &table->services[i];
		int err = ops->smccc_forward(vm, service->first, service->count);

		if (err)
			return err;
	}
	return 0;
}

static const struct smccc_service *smccc_find(const struct smccc_table *table, uint32_t fid)
{
	unsigned int rank = smccc_rank(table, fid);
	const struct smccc_service *service;

	if (!rank)
		return NULL;
	service = &table->services[rank - 1];
	return range_within(fid, 1, service->first, service->count) ? service : NULL;
}

enum smccc_action smccc_dispatch(const struct smccc_table *table, struct smccc_call *call)
{
	const struct smccc_service *service = smccc_find(table, call->exit->fid);

	call->exit->nr_ret = 0;
	if (service)
		return service->handler(service->ctx, call);
	smccc_return(call, SMCCC_NOT_SUPPORTED);
	return SMCCC_RETURN;
}

int smccc_args(struct smccc_call *call, unsigned int count, uint64_t *args)
{
	unsigned int i;
	int err;

	assert(count >= 1 && count <= SMCCC_MAX_ARGS);
	err = call->ops->vcpu_get_x(call->backend, 1, count, args);
	if (err || call->exit->fid & SMCCC_64)
		return err;
	for (i = 0; i < count; i++)
		args[i] = (uint32_t)args[i];
	return 0;
}
