/* SPDX-License-Identifier: Apache-2.0 */
/* `arcvisor doctor`: gathers the facts, prints the report, says if guests can run. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "ctl/cmdline.h"
#include "ctl/doctor.h"
#include "ctl/doctor_report.h"

void doctor_line(FILE *out, enum doctor_mark mark, const char *item, const char *fmt, ...)
{
	static const char *const marks[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_LIMITED] = "limited",
		[DOCTOR_MISSING] = "missing",
	};
	va_list args;

	fprintf(out, "  %-8s %-23s ", marks[mark], item);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
}

void doctor_advice(FILE *out, const char *cost, const char *remedy)
{
	if (cost)
		fprintf(out, "           costs:  %s\n", cost);
	if (remedy)
		fprintf(out, "           remedy: %s\n", remedy);
}

static bool is_arm64(const struct doctor_host *host)
{
	return strcmp(host->machine, "aarch64") == 0;
}

static void report_cpu(const struct doctor_host *host, FILE *out)
{
	const char *name = doctor_cpu_name(host->cpu_implementer, host->cpu_part);

	if (host->cpu_implementer == HOST_UNKNOWN || host->cpu_part == HOST_UNKNOWN)
		return;
	if (name)
		doctor_line(out, DOCTOR_OK, "CPU", "%s", name);
	else
		doctor_line(out, DOCTOR_OK, "CPU", "implementer 0x%02" PRIx64 ", part 0x%03" PRIx64,
			    host->cpu_implementer, host->cpu_part);
}

static void report_machine(const struct doctor_host *host, FILE *out)
{
	if (is_arm64(host)) {
		doctor_line(out, DOCTOR_OK, "architecture", "arm64 (%s)", host->machine);
	} else {
		doctor_line(out, DOCTOR_MISSING, "architecture", "%s: not an arm64 host",
			    host->machine);
		doctor_advice(out, "no guest can run",
			      "use a 64-bit Arm server, such as a Graviton .metal instance");
	}
	report_cpu(host, out);
	doctor_line(out, DOCTOR_OK, "kernel", "Linux %s", host->release);
	doctor_line(out, DOCTOR_OK, "page size", "%" PRIu64 " KiB", host->page_size / KIB);
}

static void report_probe_error(int error, FILE *out)
{
	const char *remedy = "see the kernel's log: dmesg | grep -i kvm";

	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		doctor_line(out, DOCTOR_MISSING, "/dev/kvm", "not on this host");
		remedy = "enable virtualization in firmware (Linux must start at EL2); in a cloud, "
			 "use a .metal instance; if KVM is a module: modprobe kvm; in a "
			 "container: --device /dev/kvm";
		break;
	case -EACCES:
	case -EPERM:
		doctor_line(out, DOCTOR_MISSING, "/dev/kvm", "no permission to open it");
		remedy = "join its group and log in again: sudo usermod -aG kvm $USER";
		break;
	default:
		doctor_line(out, DOCTOR_MISSING, "/dev/kvm", "%s", strerror(-error));
	}
	doctor_advice(out, "no guest can run", remedy);
}

static void report_hypervisor(const struct doctor_facts *facts, FILE *out)
{
	if (facts->probe_error) {
		report_probe_error(facts->probe_error, out);
		return;
	}
	doctor_line(out, DOCTOR_OK, "/dev/kvm", "can be used");
	doctor_report_caps(&facts->caps, out);
}

/* Why no guest can run here, or NULL. */
static const char *find_obstacle(const struct doctor_facts *facts)
{
	if (!is_arm64(&facts->host))
		return "this is not an arm64 host";
	if (facts->probe_error)
		return "/dev/kvm cannot be used";
	return doctor_caps_obstacle(&facts->caps);
}

int doctor_report(const struct doctor_facts *facts, FILE *out)
{
	const char *obstacle = find_obstacle(facts);

	fputs("host\n", out);
	report_machine(&facts->host, out);
	if (is_arm64(&facts->host)) {
		fputs("hypervisor\n", out);
		report_hypervisor(facts, out);
	}
	fputs("memory\n", out);
	doctor_report_memory(&facts->host, out);
	fputs("limits and I/O\n", out);
	doctor_report_limits(&facts->host, out);
	if (obstacle)
		fprintf(out, "\nguests can run here: no: %s\n", obstacle);
	else
		fputs("\nguests can run here: yes\n", out);
	return obstacle ? STATUS_ERROR : STATUS_OFF;
}

int doctor(const struct backend_ops *ops, FILE *out)
{
	struct doctor_facts facts = { 0 };

	facts.probe_error = ops->probe(&facts.caps);
	doctor_host_gather("", &facts.host);
	return doctor_report(&facts, out);
}
