/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"
#include "xl.h"

bool xl_found(void)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : ""), *rest = copy, *folder, file[4096];
	bool found = false;

	while (copy && !found && (folder = strsep(&rest, ":"))) {
		snprintf(file, sizeof(file), "%s/xl", *folder ? folder : ".");
		found = !access(file, X_OK);
	}
	free(copy);
	return found;
}

static int wait_child(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int xl_run(const char *const *words)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		say("cannot start xl: %s", strerror(errno));
		return 127;
	}
	if (!child) {
		execvp("xl", (char *const *)words);
		say("cannot start xl: %s", strerror(errno));
		_exit(127);
	}
	return wait_child(child);
}
