/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target's kept inputs, each in a process of its own:
 *
 *   NAME DIRECTORY
 *
 * Shows what a failed one printed. The last line is "N passed, N failed"; status 1 where one
 * failed, or where there was none to run.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input.h"

/* A target that takes longer hangs. */
#define DEADLINE_S 60

static _Noreturn void die(const char *what, const char *path)
{
	fprintf(stderr, "replay: cannot %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static uint8_t *read_input(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long len;

	if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 0)
		die("read", path);
	/* As long as the input and not longer: the sanitizer sees a read beyond it. */
	data = malloc(len ? (size_t)len : 1);
	rewind(file);
	if (!data || fread(data, 1, (size_t)len, file) != (size_t)len)
		die("read", path);
	fclose(file);
	*size = (size_t)len;
	return data;
}

static _Noreturn void run_input(const char *path, int output)
{
	size_t size;
	uint8_t *data = read_input(path, &size);

	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	alarm(DEADLINE_S);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	exit(0); /* the leak check runs here */
}

static void show(int output)
{
	char buf[4096];
	ssize_t n;

	lseek(output, 0, SEEK_SET);
	while ((n = read(output, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
}

static int replay(const char *path)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	int status;
	pid_t pid;

	fflush(stdout);
	pid = output < 0 ? -1 : fork();
	if (pid < 0)
		die("run", path);
	if (!pid)
		run_input(path, output);
	if (waitpid(pid, &status, 0) != pid)
		die("wait for", path);
	if (status) {
		show(output);
		printf("%s: failed, status 0x%x\n", path, (unsigned int)status);
	}
	close(output);
	return status ? -1 : 0;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	struct dirent **names;
	int count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &names, not_hidden, alphasort);
	if (count < 0)
		die("list", argv[1]);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
		if (replay(path) < 0)
			failed++;
		else
			passed++;
		free(names[i]);
	}
	free(names);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
