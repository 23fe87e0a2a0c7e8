/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <criterion/criterion.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#define VIRTIOFSD "bin/virtiofsd"
#define STORAGED  "bin/qemu-storage-daemon"

extern char **environ;

static void set_paths(void)
{
	char here[128], libs[192];

	cr_assert_not_null(getcwd(here, sizeof(here)));
	snprintf(libs, sizeof(libs), "%s/bin/lib", here);
	setenv("LD_LIBRARY_PATH", libs, 1);
	setenv("PATH", "bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

void peers_find_back_ends(void)
{
	if (access(VIRTIOFSD, X_OK) < 0 || access(STORAGED, X_OK) < 0)
		cr_skip_test("no virtiofsd or no qemu-storage-daemon");
	host_leave_initramfs();
	set_paths();
	/* They are of Debian 13, and want its C library. */
	if (system(VIRTIOFSD " --version >/dev/null 2>&1 && " STORAGED
			     " --version >/dev/null 2>&1") != 0)
		cr_skip_test("virtiofsd or qemu-storage-daemon does not run on this system");
}

static int try_to_dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

int peers_dial(const char *path)
{
	int fd = try_to_dial(path);

	cr_assert_geq(fd, 0, "%s", path);
	return fd;
}

/* It is ready when its socket takes a connection. */
pid_t peers_start_storage(const char *image, const char *socket)
{
	char blockdev[128], export[192];
	char *const argv[] = { STORAGED, "--blockdev", blockdev, "--export", export, NULL };
	pid_t pid;
	int fd;

	snprintf(blockdev, sizeof(blockdev), "driver=file,node-name=disk,filename=%s", image);
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=export,addr.type=unix,addr.path=%s,node-name=disk,"
		 "writable=on",
		 socket);
	unlink(socket);
	cr_assert_eq(posix_spawn(&pid, STORAGED, NULL, NULL, argv, environ), 0);
	while ((fd = try_to_dial(socket)) < 0)
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "it has ended");
	close(fd);
	return pid;
}
