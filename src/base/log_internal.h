/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/base and its tests: the log's budget without a clock. */
#ifndef ARCVISOR_BASE_LOG_INTERNAL_H
#define ARCVISOR_BASE_LOG_INTERNAL_H

#include <stdbool.h>

#include "base/log.h"

/*
 * Takes one line from @limit's budget for @second. True: it may be printed, and *@dropped lines
 * were left out before it.
 */
bool log_limit_take(struct log_limit *limit, uint32_t second, uint32_t *dropped);

#endif
