// SPDX-License-Identifier: GPL-2.0-only
#include "returns.h"
#include "stubs.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * In PATH, with nothing of ours but standard error, a process group of its own: what it starts can be
 * ended with it. Its process, or -1 with errno.
 */
static pid_t run(char *const argv[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	err = posix_spawnp(&pid, argv[0], &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	errno = err;
	return err ? -1 : pid;
}

/* xl keeps files and nodes of its own about a domain: it takes them away with it. */
void destroy_by_xl(uint32_t domid)
{
	char number[12], name[] = "xl", verb[] = "destroy";
	char *argv[] = { name, verb, number, NULL };

	snprintf(number, sizeof(number), "%u", domid);
	if (run(argv) < 0)
		xapt_log(XENAPERTURE_WARNING, "", "cannot run xl destroy %u: %s", domid,
			 strerror(errno));
}

pid_t attach_again(uint32_t domid)
{
	char number[12], name[] = "xen-aperture", verb[] = "attach", option[] = "--again", wait[20];
	char *argv[] = { name, verb, option, wait, number, NULL };

	snprintf(number, sizeof(number), "%u", domid);
	snprintf(wait, sizeof(wait), "--wait=%d", RETURNS_WAIT_S);
	return run(argv);
}
