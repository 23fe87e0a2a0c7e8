/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's report: pure printing over facts that were gathered before, so that a test can
 * make up any host.
 */
#ifndef ARCVISOR_SRC_CTL_DOCTOR_REPORT_H
#define ARCVISOR_SRC_CTL_DOCTOR_REPORT_H

#include <stdio.h>

#include "backend/backend.h"
#include "ctl/doctor_host.h"

struct doctor_facts {
	int probe_error; /* 0 or -errno of the backend's probe(); else caps say nothing */
	struct backend_caps caps;
	struct doctor_host host;
};

/* The whole report with its verdict. STATUS_OFF where guests can run, else STATUS_ERROR. */
int doctor_report(const struct doctor_facts *facts, FILE *out);

/* Its sections. */
void doctor_report_caps(const struct backend_caps *caps, FILE *out);
void doctor_report_memory(const struct doctor_host *host, FILE *out);
void doctor_report_limits(const struct doctor_host *host, FILE *out);

/* Why no guest can run with these, or NULL. */
const char *doctor_caps_obstacle(const struct backend_caps *caps);

enum doctor_mark {
	DOCTOR_OK,
	DOCTOR_LIMITED, /* there, but not all of it */
	DOCTOR_MISSING,
};

/* One line: mark, what it is about, and what was found. */
__attribute__((format(printf, 4, 5), nonnull(4))) void
doctor_line(FILE *out, enum doctor_mark mark, const char *item, const char *fmt, ...);

/* Below a line that is not ok: what it costs and what to do. NULL leaves a half out. */
void doctor_advice(FILE *out, const char *cost, const char *remedy);

#endif
