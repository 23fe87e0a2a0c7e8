/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the control socket share: commands, a server in a folder, and clients. */
#ifndef ARCVISOR_TESTS_CONTROL_RIG_H
#define ARCVISOR_TESTS_CONTROL_RIG_H

#include "control/server.h"

/*
 * Commands: "echo" gives "text" back, "long" answers with "bytes" of text, "stop" ends the loop's
 * run, "count" says how many commands ran.
 */
extern struct control_config rig_config;
extern struct loop *rig_loop;
extern struct control_server *rig_server;
extern char rig_folder[], rig_path[];

void rig_init(void); /* a server at rig_path, whose loop runs when told to */
void rig_fini(void);

/* Runs the loop until it has nothing more to do. */
void rig_run(void);

int rig_connect(void); /* a client's descriptor, not blocking */
void rig_send(int fd, const char *text);
void rig_send_bytes(int fd, const void *buf, size_t len);

/* What came, zero terminated, until the next call; *@closed: nothing more will. */
const char *rig_receive(int fd, bool *closed);

/* Sends, runs the loop, and holds the answer to @want. */
void rig_expect(int fd, const char *request, const char *want);

#endif
