/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a VMM until its guest prints a line and then ends, and prints what that cost on one line of
 * key=value pairs. tools/bench/boot runs it in the emulated host, whose clock counts instructions.
 *
 *   vmmboot [--count] --memory MIB --line TEXT -- VMM ARG...
 *
 *   boot_ns          from exec of the VMM until TEXT came out of it
 *   total_ns         from exec until it had ended
 *   rss_kib          resident when TEXT came, without the memory of its guest (MIB)
 *   anon_kib         the part of it that no second VMM of the same kind would share
 *   guest_rss_kib    resident memory of the guest
 *   guest_huge_kib   the part of it in huge pages
 *
 * --count adds, all of them until TEXT came, by counters of the processor and of the kernel:
 *
 *   setup_ns         from exec until a vCPU entered the guest for the first time
 *   setup_user       instructions of the VMM until then; they need a PMU that counts instructions
 *   user kernel guest
 *                    instructions of the VMM, of the host's kernel on its behalf, of the guest
 *   entries          entries into the guest
 *   syscalls         of the VMM, KVM_RUN among them
 *   faults           page faults of the VMM
 *   stage2           stage 2 faults of the guest
 *   exits exits_*    exits to user space, and those of one reason
 *
 * Counting disturbs the times a little, so it is for a run of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "event.h"
#include "vmm.h"

/* A guest that says nothing for so long (of the host's clock) hangs. */
#define SILENCE_MS 60000
#define MAX_CPUS   64
#define RING_BYTES 4096

/* ---- counters -------------------------------------------------------------------------------- */

struct counter {
	const char *name;
	uint32_t type;
	const char *tracepoint; /* PERF_TYPE_TRACEPOINT */
	const char *filter;
	uint64_t config; /* other types */
	bool no_user, no_kernel, no_host, no_guest;
	int fd;
};

#define EXITS_IF(key, reason)                                                                      \
	{                                                                                          \
		.name = key, .type = PERF_TYPE_TRACEPOINT, .tracepoint = "kvm/kvm_userspace_exit", \
		.filter = reason                                                                   \
	}

/* Exits with a reason other than these are in exits alone. The numbers are KVM_EXIT_*. */
static struct counter counters[] = {
	{ .name = "user",
	  .type = PERF_TYPE_HARDWARE,
	  .config = PERF_COUNT_HW_INSTRUCTIONS,
	  .no_kernel = true,
	  .no_guest = true },
	{ .name = "kernel",
	  .type = PERF_TYPE_HARDWARE,
	  .config = PERF_COUNT_HW_INSTRUCTIONS,
	  .no_user = true,
	  .no_guest = true },
	{ .name = "guest",
	  .type = PERF_TYPE_HARDWARE,
	  .config = PERF_COUNT_HW_INSTRUCTIONS,
	  .no_host = true },
	{ .name = "entries", .type = PERF_TYPE_TRACEPOINT, .tracepoint = "kvm/kvm_entry" },
	{ .name = "syscalls",
	  .type = PERF_TYPE_TRACEPOINT,
	  .tracepoint = "raw_syscalls/sys_enter" },
	{ .name = "faults", .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS },
	{ .name = "stage2", .type = PERF_TYPE_TRACEPOINT, .tracepoint = "kvm/kvm_guest_fault" },
	EXITS_IF("exits", NULL),
	EXITS_IF("exits_mmio", "errno >= 0 && reason == 6"),
	EXITS_IF("exits_hypercall", "errno >= 0 && reason == 3"),
	EXITS_IF("exits_system_event", "errno >= 0 && reason == 24"),
	EXITS_IF("exits_signal", "errno < 0 || reason == 10"),
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* Counts what pid and its threads do, from its next exec on. */
static int count_from_exec(struct perf_event_attr *attr, pid_t pid, int cpu, const char *name)
{
	int fd;

	attr->disabled = 1;
	attr->enable_on_exec = 1;
	attr->inherit = 1;
	fd = event_open(attr, pid, cpu);
	if (fd < 0)
		die("cannot count %s: %s", name, strerror(-fd));
	return fd;
}

static uint64_t need_tracepoint(const char *name)
{
	uint64_t id = tracepoint_id(name);

	if (!id)
		die("the kernel has no tracepoint %s", name);
	return id;
}

static void open_counter(struct counter *c, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = c->type,
		.config = c->tracepoint ? need_tracepoint(c->tracepoint) : c->config,
		.exclude_user = c->no_user,
		.exclude_kernel = c->no_kernel,
		.exclude_hv = c->no_kernel,
		.exclude_host = c->no_host,
		.exclude_guest = c->no_guest,
	};

	c->fd = count_from_exec(&attr, pid, -1, c->name);
	if (c->filter && ioctl(c->fd, PERF_EVENT_IOC_SET_FILTER, c->filter))
		die("cannot filter %s: %s", c->name, strerror(errno));
}

static uint64_t read_counter(const struct counter *c)
{
	uint64_t value;

	if (read(c->fd, &value, sizeof(value)) != sizeof(value))
		die("cannot read the counter %s", c->name);
	return value;
}

/*
 * The first entry into the guest: an event that wakes us. One file a CPU, since a buffer of a task
 * on all CPUs cannot be inherited by its threads.
 */
struct first_entry {
	struct pollfd cpu[MAX_CPUS];
	void *ring[MAX_CPUS];
	nfds_t cpus;
	uint64_t at_ns;
	uint64_t user;
};

static void watch_first_entry(struct first_entry *fe, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = need_tracepoint("kvm/kvm_entry"),
		.sample_type = PERF_SAMPLE_TIME,
		.sample_period = 1,
		.wakeup_events = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus > MAX_CPUS)
		die("more than %d CPUs", MAX_CPUS);
	for (fe->cpus = 0; fe->cpus < (nfds_t)cpus; fe->cpus++) {
		int fd = count_from_exec(&attr, pid, (int)fe->cpus, "the first entry");
		void *ring = mmap(NULL, 2 * RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (ring == MAP_FAILED)
			die("cannot map a trace buffer: %s", strerror(errno));
		fe->ring[fe->cpus] = ring;
		fe->cpu[fe->cpus] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
}

/* Looks for the sample; the instructions counted include what ran until we were woken. */
static void check_first_entry(struct first_entry *fe)
{
	struct {
		struct perf_event_header header;
		uint64_t time;
	} sample;

	for (nfds_t i = 0; i < fe->cpus && !fe->at_ns; i++) {
		const struct perf_event_mmap_page *page = fe->ring[i];

		if (!__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE))
			continue;
		memcpy(&sample, (const char *)fe->ring[i] + page->data_offset, sizeof(sample));
		if (sample.header.type != PERF_RECORD_SAMPLE)
			die("unexpected record in the trace buffer");
		fe->at_ns = sample.time;
		fe->user = read_counter(&counters[0]);
	}
	if (!fe->at_ns)
		return;
	for (nfds_t i = 0; i < fe->cpus; i++) {
		ioctl(fe->cpu[i].fd, PERF_EVENT_IOC_DISABLE, 0);
		munmap(fe->ring[i], 2 * RING_BYTES);
		close(fe->cpu[i].fd);
	}
	fe->cpus = 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct memory {
	uint64_t rss, anon, guest_rss, guest_huge; /* KiB */
};

static void read_memory(struct memory *m, pid_t pid, uint64_t guest_mib)
{
	char path[64], line[512], key[64];
	uint64_t from, to, kib;
	bool is_guest = false;
	FILE *f;

	*m = (struct memory){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "r");
	if (!f)
		die("cannot read %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
			/* Guest memory may be split, but nothing else is half as large. */
			is_guest = to - from >= guest_mib << 19;
			continue;
		}
		if (sscanf(line, "%63[^:]: %" SCNu64 " kB", key, &kib) != 2)
			continue;
		if (!strcmp(key, "Rss"))
			*(is_guest ? &m->guest_rss : &m->rss) += kib;
		else if (!strcmp(key, "Anonymous") && !is_guest)
			m->anon += kib;
		else if (is_guest &&
			 (!strcmp(key, "AnonHugePages") || !strcmp(key, "ShmemPmdMapped")))
			m->guest_huge += kib;
	}
	fclose(f);
	if (!m->guest_rss)
		die("found no guest memory in %s", path);
}

/* ---- the run --------------------------------------------------------------------------------- */

/* Waits for more of the console; false at its end. */
static bool read_console(char *buf, size_t size, size_t *len, struct first_entry *fe)
{
	struct pollfd fds[1 + MAX_CPUS];
	nfds_t count;
	ssize_t n;

	for (;;) {
		count = 1 + fe->cpus;
		fds[0] = (struct pollfd){ .fd = vmm.out, .events = POLLIN };
		memcpy(&fds[1], fe->cpu, fe->cpus * sizeof(fds[0]));
		if (poll(fds, count, SILENCE_MS) == 0)
			die("the guest has hung; its console ends: %s", buf);
		if (fe->cpus)
			check_first_entry(fe);
		if (fds[0].revents)
			break;
	}
	/* What is full holds no line of interest any more but for its end. */
	if (*len > size / 2) {
		memmove(buf, buf + *len - size / 4, size / 4);
		*len = size / 4;
	}
	n = read(vmm.out, buf + *len, size - 1 - *len);
	if (n <= 0)
		return false;
	for (ssize_t i = 0; i < n; i++) {
		if (!buf[*len + (size_t)i])
			buf[*len + (size_t)i] = ' ';
	}
	*len += (size_t)n;
	buf[*len] = '\0';
	return true;
}

int main(int argc, char **argv)
{
	const char *line = NULL;
	uint64_t values[COUNTERS] = { 0 }, line_ns, memory = 0;
	struct first_entry first = { 0 };
	struct memory m;
	bool count = false;
	char console[8192] = "";
	size_t len = 0;
	int i, status;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--count"))
			count = true;
		else if (!strcmp(argv[i], "--memory") && i + 1 < argc)
			memory = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--line") && i + 1 < argc)
			line = argv[++i];
		else
			die("unknown argument %s", argv[i]);
	}
	if (!memory || !line || i + 1 >= argc)
		die("usage: vmmboot [--count] --memory MIB --line TEXT -- VMM ARG...");
	setbuf(stdout, NULL);

	vmm_start(argv + i + 1);
	if (count) {
		for (size_t c = 0; c < COUNTERS; c++)
			open_counter(&counters[c], vmm.pid);
		watch_first_entry(&first, vmm.pid);
	}
	vmm_go();

	do {
		if (!read_console(console, sizeof(console), &len, &first))
			die("the VMM ended before '%s'; its console ends: %s", line, console);
		line_ns = now_ns();
	} while (!strstr(console, line));
	for (size_t c = 0; count && c < COUNTERS; c++)
		values[c] = read_counter(&counters[c]);

	/* Its memory is read while it stands still, or it would be gone. */
	if (kill(vmm.pid, SIGSTOP) || waitpid(vmm.pid, &status, WUNTRACED) != vmm.pid ||
	    !WIFSTOPPED(status))
		die("the VMM ended right after '%s'", line);
	read_memory(&m, vmm.pid, memory);
	kill(vmm.pid, SIGCONT);

	while (read_console(console, sizeof(console), &len, &first))
		;
	if (waitpid(vmm.pid, &status, 0) != vmm.pid || status)
		die("the VMM failed (status %#x); its console ends: %s", (unsigned int)status,
		    console);

	printf("boot_ns=%" PRIu64 " total_ns=%" PRIu64 " rss_kib=%" PRIu64 " anon_kib=%" PRIu64
	       " guest_rss_kib=%" PRIu64 " guest_huge_kib=%" PRIu64,
	       line_ns - *vmm.exec_ns, now_ns() - *vmm.exec_ns, m.rss, m.anon, m.guest_rss,
	       m.guest_huge);
	if (count) {
		if (!first.at_ns || !values[0])
			die("this host's counters do not count");
		printf(" counted_ns=%" PRIu64 " setup_ns=%" PRIu64 " setup_user=%" PRIu64,
		       line_ns - *vmm.exec_ns, first.at_ns - *vmm.exec_ns, first.user);
		for (size_t c = 0; c < COUNTERS; c++)
			printf(" %s=%" PRIu64, counters[c].name, values[c]);
	}
	putchar('\n');
	return 0;
}
