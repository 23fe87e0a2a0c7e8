/* SPDX-License-Identifier: Apache-2.0 */
/* `arcvisor doctor`: what this host offers, and what each missing thing costs. */
#ifndef ARCVISOR_CTL_DOCTOR_H
#define ARCVISOR_CTL_DOCTOR_H

#include <stdio.h>

#include "backend/backend.h"

/* Prints the report to @out. An exit status: 0 where guests can run here, else STATUS_ERROR. */
int doctor(const struct backend_ops *ops, FILE *out);

#endif
