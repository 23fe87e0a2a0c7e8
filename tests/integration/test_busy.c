/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Debian guest with every device, all of them busy at once, through pauses, a balloon that
 * comes and goes, and resets in the middle of it. What arcvisor takes of the host must not grow.
 * A few rounds in `make test`; with ARCVISOR_TEST_SECONDS, as `make soak` has it, rounds until so
 * much time has gone.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/util.h"
#include "footprint.h"
#include "host.h"
#include "peers.h"
#include "shell.h"
#include "wire.h"

#define SHARED	   "/tmp/busy.shared"
#define CTL	   "/tmp/busy.ctl"
#define VSOCK	   "/tmp/busy.vsock"
#define ECHO	   "/tmp/busy.echo"
#define INLINE	   "/tmp/busy-a.img,mode=inline"
#define THREAD	   "/tmp/busy-b.img,mode=thread,engine=sync"
#define HVC	   "/tmp/busy-c.img,via=hvc"
#define STORED	   "/tmp/busy-d.img"
#define PMEM	   "/tmp/busy-e.img"
#define STORE_SOCK "/tmp/busy.store"

/* What busy.sh knows too. */
#define VSOCK_PORT 52
#define DATA	   262144u
#define ALL_GOOD   "busy: 9 good, 0 bad" /* five disks, folder, TCP, vsock, random numbers */

#define ECHO_BYTES 20000u
#define ROUNDS	   2u
#define WORKERS	   8u
#define TRIES	   100u /* a call of arcvisor ctl each */
#define SLACK_KB   1024 /* what requests take that were never in flight together before */

static long seconds;
static int echo; /* the host's side of the port, of the guest's present boot */

/* ---- the host's side ------------------------------------------------------------------------- */

/* Gives each client its DATA bytes back, once all of them are there. */
static void *serve(void *arg)
{
	char *bytes = malloc(DATA);
	int client;

	while ((client = accept(*(int *)arg, NULL, NULL)) >= 0) {
		size_t have = 0, gone = 0;
		ssize_t n = 1;

		while (have < DATA && (n = read(client, bytes + have, DATA - have)) > 0)
			have += (size_t)n;
		while (gone < have &&
		       (n = send(client, bytes + gone, have - gone, MSG_NOSIGNAL)) > 0)
			gone += (size_t)n;
		close(client);
	}
	free(bytes);
	return NULL;
}

struct server {
	pthread_t thread;
	int listener;
};

static void start_server(struct server *server, const void *addr, socklen_t len)
{
	sa_family_t family = ((const struct sockaddr *)addr)->sa_family;

	server->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(server->listener, addr, len), 0);
	cr_assert_eq(listen(server->listener, 8), 0);
	cr_assert_eq(pthread_create(&server->thread, NULL, serve, &server->listener), 0);
}

static void end_server(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static void start_servers(struct server *servers)
{
	struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT) };
	struct sockaddr_un vsock = { .sun_family = AF_UNIX };

	snprintf(vsock.sun_path, sizeof(vsock.sun_path), "%s_%d", VSOCK, VSOCK_PORT);
	start_server(&servers[0], &tcp, sizeof(tcp));
	start_server(&servers[1], &vsock, sizeof(vsock));
}

/* ---- the guest ------------------------------------------------------------------------------- */

static void boot(struct machine *machine)
{
	machine_file("/tmp/busy-a.img", 16 * MIB);
	machine_file("/tmp/busy-b.img", 16 * MIB);
	machine_file("/tmp/busy-c.img", 16 * MIB);
	machine_file(PMEM, 16 * MIB);
	machine_start(
		machine,
		MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus", "2",
			     "--memory", "384M", "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER,
			     "--control", CTL, "--disk", INLINE, "--disk", THREAD, "--disk", HVC,
			     "--pmem", PMEM ",rw", "--vhost-user-blk", "socket=" STORE_SOCK, "--fs",
			     "tag=shared,path=" SHARED, "--net", "tap=" WIRE_TAP, "--vsock",
			     "cid=3,path=" VSOCK, "--port", "name=echo,socket=" ECHO, "--balloon",
			     "free-page-reporting=on,deflate-on-oom=on", "--watchdog", "reset"));
}

/* A port of which the host's side is closed is at its end: it is open before the guest reads. */
static void set_up(struct machine *machine)
{
	shell_ready(machine);
	echo = peers_dial(ECHO);
	shell(machine,
	      "mkdir -p /mnt; mount -t virtiofs shared /mnt; "
	      "ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; "
	      "watchdog -T 60 -t 5 /dev/watchdog; "
	      "for n in /sys/class/virtio-ports/*/name; do [ $(cat $n) = echo ] && "
	      "port=/dev/$(basename ${n%/name}); done; exec 3<>$port; cat <&3 >&3 & "
	      "echo set-'up' $(ls -d /dev/vd? /dev/hvcblk? /dev/pmem? | wc -l)",
	      "set-up 5");
}

static void wait_for(const char *name, unsigned long long want)
{
	unsigned int tries = 0;

	while (machine_counter(CTL, name) != want)
		cr_assert_lt(++tries, 10 * TRIES, "%s never becomes %llu", name, want);
}

static void balloon(struct machine *machine, const char *size, unsigned long long bytes)
{
	machine_ctl(CTL, "balloon", size);
	wait_for("actual ", bytes);
	cr_expect_str_empty(machine->errors);
}

static void check_port(void)
{
	static char sent[ECHO_BYTES], got[ECHO_BYTES];
	size_t have = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i % 251);
	cr_assert_eq(send(echo, sent, sizeof(sent), 0), (ssize_t)sizeof(sent));
	while (have < sizeof(got) && (n = recv(echo, got + have, sizeof(got) - have, 0)) > 0)
		have += (size_t)n;
	cr_expect_eq(have, sizeof(got));
	cr_expect_arr_eq(got, sent, sizeof(got));
}

static void begin_work(struct machine *machine)
{
	char line[32];

	snprintf(line, sizeof(line), "busy %d\n", seconds ? 5 : 1);
	machine_send(machine, line);
	cr_assert(machine_expect(machine, "busy: begun"), "%s\n%s", machine->text, machine->errors);
}

static void pause_and_resume(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		machine_ctl(CTL, "pause", NULL);
		machine_ctl(CTL, "resume", NULL);
	}
}

/* All that a guest can do at once, while the machine stands still now and then. */
static void work(struct machine *machine)
{
	begin_work(machine);
	pause_and_resume(2);
	balloon(machine, "size=64M", 64 * MIB);
	check_port();
	pause_and_resume(2);
	balloon(machine, "size=0", 0);
	cr_assert(machine_expect(machine, "busy: "), "%s\n%s", machine->text, machine->errors);
	machine->seen -= strlen("busy: ");
	cr_assert(machine_expect(machine, ALL_GOOD), "%s\n%s", machine->text, machine->errors);
	cr_assert(machine_expect(machine, PROMPT));
}

/* In the middle of all that. */
static void reset(struct machine *machine)
{
	begin_work(machine);
	machine_ctl(CTL, "reset", NULL);
	close(echo);
	cr_assert(machine_expect(machine, "arcvisor guest: init"), "%s\n%s", machine->text,
		  machine->errors);
	set_up(machine);
}

static bool another(unsigned int round, time_t begin)
{
	return seconds ? time(NULL) - begin < seconds : round < ROUNDS;
}

/* The last clients of its control socket, and of the guest's, may be on their way out. */
static struct footprint settled(const struct machine *machine, const struct footprint *first)
{
	struct footprint now = footprint_of(machine->pid);

	for (unsigned int i = 0; i < TRIES && now.fds > first->fds; i++) {
		(void)machine_counter(CTL, "actual ");
		now = footprint_of(machine->pid);
	}
	return now;
}

static void run_rounds(struct machine *machine)
{
	struct footprint first = { .fds = ULONG_MAX }, last;
	time_t begin = time(NULL);

	for (unsigned int round = 0; another(round, begin); round++) {
		if (round)
			reset(machine);
		work(machine);
		last = settled(machine, &first);
		if (!round)
			first = last;
		footprint_expect_same(&first, &last, WORKERS, seconds ? 4 * SLACK_KB : SLACK_KB);
		if (seconds)
			fprintf(stderr, "busy: round %u, %ld s, %lu KiB\n", round + 1,
				(long)(time(NULL) - begin), last.anon_kb);
	}
}

Test(busy, every_device_at_once_through_pauses_and_resets)
{
	struct server servers[2];
	struct machine machine;
	pid_t storage;

	peers_find_back_ends();
	wire_init();
	if (getenv("ARCVISOR_TEST_SECONDS"))
		seconds = strtol(getenv("ARCVISOR_TEST_SECONDS"), NULL, 10);
	mkdir(SHARED, 0755);
	machine_file(STORED, 16 * MIB);
	storage = peers_start_storage(STORED, STORE_SOCK);
	close(wire_make_tap(0));
	start_servers(servers);
	boot(&machine);
	set_up(&machine);
	run_rounds(&machine);
	cr_expect_eq(machine_counter(CTL, "tx_bad "), 0);
	cr_expect_str_empty(machine.errors);
	close(echo);
	shell_off(&machine);
	kill(storage, SIGTERM);
	waitpid(storage, NULL, 0);
	end_server(&servers[0]);
	end_server(&servers[1]);
	machine_fini(&machine);
}
