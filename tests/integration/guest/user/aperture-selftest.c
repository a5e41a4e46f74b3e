// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-selftest COMMAND [ARGUMENT...]: one command of the self-test module.
 * Prints what it says. Status 0: done; 1: the command failed; 2: no self-test here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[512] = "", out[4096];
	size_t used = 0;
	ssize_t n;
	int fd, err, i;

	for (i = 1; i < argc && used < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
					 i > 1 ? " " : "", argv[i]);
	fd = open("/dev/aperture-selftest", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "aperture-selftest: /dev/aperture-selftest: %s: is the module loaded?\n",
			strerror(errno));
		return 2;
	}
	err = write(fd, line, strlen(line) + 1) < 0 ? errno : 0;
	while ((n = read(fd, out, sizeof(out))) > 0)
		fwrite(out, 1, (size_t)n, stdout);
	if (!err)
		return 0;
	fflush(stdout);
	fprintf(stderr, "aperture-selftest: %s: %s\n", line, strerror(err));
	return 1;
}
