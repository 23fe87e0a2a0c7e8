/* SPDX-License-Identifier: Apache-2.0 */
/* The socket's file: whose it is, who may, what is replaced, what is left. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

TestSuite(socket, .init = rig_init, .fini = rig_fini);

static struct control_server *make(const char *path, int *ret)
{
	struct control_config config = rig_config;
	struct control_server *server = NULL;

	config.path = path;
	*ret = control_server_create(rig_loop, &config, &server);
	return *ret < 0 ? NULL : server;
}

static void refused(const char *path, int want)
{
	int ret;

	cr_expect_eq(control_path_check(path), want);
	make(path, &ret);
	cr_expect_eq(ret, want);
}

Test(socket, is_its_owner_s_whatever_the_mask)
{
	static const mode_t masks[] = { 0, 022, 0777 };
	char path[80];

	snprintf(path, sizeof(path), "%s/other", rig_folder);
	for (unsigned int i = 0; i < 3; i++) {
		struct control_server *server;
		mode_t before = umask(masks[i]);
		struct stat st;
		int ret;

		server = make(path, &ret);
		cr_assert_eq(ret, 0);
		cr_expect_eq(umask(before), masks[i], "the mask is as before");
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode, S_IFSOCK | 0600);
		control_server_destroy(server);
		cr_expect_neq(access(path, F_OK), 0, "it is removed");
	}
}

Test(socket, one_that_is_served_is_an_error)
{
	int fd;

	refused(rig_path, -EADDRINUSE);
	fd = rig_connect();
	rig_expect(fd, "{\"command\":\"count\"}\n", "{\"ok\":true,\"count\":0}\n");
	close(fd);
}

/* As a process leaves it that was killed. */
static void leave_stale(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	close(fd);
}

Test(socket, a_stale_one_is_replaced)
{
	struct control_server *server;
	char path[80];
	int ret;

	snprintf(path, sizeof(path), "%s/stale", rig_folder);
	leave_stale(path);
	cr_expect_eq(control_path_check(path), 0);
	cr_expect_eq(access(path, F_OK), 0, "a check changes nothing");
	server = make(path, &ret);
	cr_expect_eq(ret, 0);
	control_server_destroy(server);
	cr_expect_neq(access(path, F_OK), 0);
}

Test(socket, files_are_left_alone)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/file", rig_folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	refused(path, -EEXIST);
	cr_expect_eq(unlink(path), 0);
	cr_assert_eq(symlink("/nowhere", path), 0);
	refused(path, -EEXIST);
	cr_expect_eq(unlink(path), 0);
}

Test(socket, paths_that_cannot_be)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/none/socket", rig_folder);
	refused(path, -ENOENT);
	snprintf(path, sizeof(path), "%s/%0107d", rig_folder, 0);
	refused(path, -ENAMETOOLONG);
}

/* What another put in its place is not this one's to remove. */
Test(socket, one_that_was_replaced_is_left)
{
	struct control_server *server;
	char path[80];
	int ret;

	snprintf(path, sizeof(path), "%s/taken", rig_folder);
	server = make(path, &ret);
	cr_assert_eq(ret, 0);
	cr_assert_eq(unlink(path), 0);
	leave_stale(path);
	control_server_destroy(server);
	cr_expect_eq(unlink(path), 0, "it was still there");
}
