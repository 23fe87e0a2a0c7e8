/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives arcvisor as a user would: starts it, types, reads what it prints, takes its status.
 *
 * Waits end at an event, never at a time; the deadline is only there so that a hang is a failed
 * test and not a stuck run.
 */
#ifndef ARCVISOR_TESTS_MACHINE_H
#define ARCVISOR_TESTS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct machine {
	pid_t pid;
	int in;	    /* its standard input, or the terminal's other side; -1 closed */
	int out;    /* its standard output, or the same */
	int err;    /* its standard error; -1 on a terminal */
	char *text; /* all that came from out so far, zero terminated */
	size_t len;
	size_t seen;  /* how far machine_expect() has looked */
	char *errors; /* all that came from err so far, zero terminated */
	size_t errors_len;
};

/* Starts `arcvisor ARGS...` (NULL ends them) on pipes, or on a new terminal. */
void machine_start(struct machine *machine, const char *const *args);
void machine_start_tty(struct machine *machine, const char *const *args);

/* Runs in the new process before arcvisor does; NULL: nothing. For the tests that start next. */
extern void (*machine_before_exec)(void);

#define MACHINE_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Waits until @text comes in the output, after what was found before. False at its end. */
bool machine_expect(struct machine *machine, const char *text);

/* Takes what output there is, or waits for some. False when there is nothing more to come. */
bool machine_pump(struct machine *machine);

void machine_send(struct machine *machine, const char *text);

/* Closes its standard input. */
void machine_close_input(struct machine *machine);

/* Reads to the end and reaps: its exit status, or 128 + signal. */
int machine_wait(struct machine *machine);

/* Kills it if it runs; frees all. */
void machine_fini(struct machine *machine);

/* How often @needle stands in @text. */
unsigned int count_text(const char *text, const char *needle);

/* Runs arcvisor to its end, without input; its status. The rest stays in @machine. */
int machine_run(struct machine *machine, const char *const *args);

/* Runs `arcvisor ctl @socket @command [@argument]`, which must succeed. */
void machine_ctl(const char *socket, const char *command, const char *argument);

/* What `ctl status` says behind the first @name, a number. */
unsigned long long machine_counter(const char *socket, const char *name);

/* A new file at @path, of @size zeroes. */
void machine_file(const char *path, off_t size);

/* Where the tests find things; relative to the folder they run in. */
#define KERNEL	      "guest/Image"
#define INITRD	      "guest/initrd.gz"
#define VIRTIO_INITRD "guest/initrd-virtio.gz" /* with virtio drivers */
#define GUESTS	      "guests/"

/* For Linux' command line: without the tests of its own cryptography, a quarter of its boot. */
#define LINUX_FASTER "cryptomgr.notests initcall_blacklist=jent_mod_init"

#endif
