/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/ctl: an answer of the control socket, for people to read. */
#ifndef ARCVISOR_SRC_CTL_JSON_TEXT_H
#define ARCVISOR_SRC_CTL_JSON_TEXT_H

#include <stdio.h>

#include "control/json.h"

/*
 * A line "name value" for each member, but for "ok" and "id"; what is within others is indented,
 * and items of arrays are apart by an empty line. Control characters come out as '?'.
 */
void json_text_print(const struct jval *answer, FILE *out);

#endif
