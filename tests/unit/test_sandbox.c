/* SPDX-License-Identifier: GPL-2.0-only */
/* What a worker's system call filter refuses. No call here would do harm if it were let through. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/gntalloc.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>

#include "../../backend/daemon/sandbox.h"
#include "check.h"

static int pipe_fd[2];
static pid_t other;	/* a process of the same user: another guest's worker */

static int set_owner(void) { return fcntl(pipe_fd[0], F_SETOWN, other); }
static int set_owner_ex(void)
{
	struct f_owner_ex o = { F_OWNER_PID, other };

	return fcntl(pipe_fd[0], F_SETOWN_EX, &o);
}
static int set_signal(void) { return fcntl(pipe_fd[0], F_SETSIG, SIGUSR1); }
static int set_owner_ioctl(void) { return ioctl(pipe_fd[0], FIOSETOWN, &other); }
static int push_input(void) { return ioctl(pipe_fd[0], TIOCSTI, "x"); }
static int push_input_high(void)
{
	return (int)syscall(SYS_ioctl, pipe_fd[0], 1ul << 40 | TIOCSTI, "x");
}
static int grant(void) { return ioctl(pipe_fd[0], IOCTL_GNTALLOC_ALLOC_GREF, NULL); }
static int grant_end(void) { return ioctl(pipe_fd[0], IOCTL_GNTALLOC_DEALLOC_GREF, NULL); }
static int map_grant(void) { return ioctl(pipe_fd[0], IOCTL_GNTDEV_MAP_GRANT_REF, NULL); }
static int map_notice(void) { return ioctl(pipe_fd[0], IOCTL_GNTDEV_SET_UNMAP_NOTIFY, NULL); }
static int copy_grant(void) { return ioctl(pipe_fd[0], IOCTL_GNTDEV_GRANT_COPY, NULL); }
static int import_buffer(void) { return ioctl(pipe_fd[0], IOCTL_GNTDEV_DMABUF_EXP_FROM_REFS, NULL); }
static int grant_notice(void) { return ioctl(pipe_fd[0], IOCTL_GNTALLOC_SET_UNMAP_NOTIFY, NULL); }
static int affinity(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	return sched_setaffinity(other, sizeof(set), &set);
}
static int scheduler(void)
{
	struct sched_param p = { 0 };

	return sched_setscheduler(other, SCHED_OTHER, &p);
}
static int nice_one(void) { return setpriority(PRIO_PROCESS, (id_t)other, 0); }
static int nice_all(void) { return setpriority(PRIO_USER, 0, 0); }
static int io_class(void) { return (int)syscall(SYS_ioprio_set, 1, other, 0); }
static int death_signal(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }
static int kill_other(void) { return kill(other, 0); }
static int limits(void) { return prlimit(other, RLIMIT_CORE, NULL, &(struct rlimit){ 0, 0 }); }
static int program(void) { return execl("/nonexistent", "x", NULL); }

static const struct call {
	const char *name;
	int (*make)(void);
} refused[] = {
	{ "F_SETOWN", set_owner }, { "F_SETOWN_EX", set_owner_ex }, { "F_SETSIG", set_signal },
	{ "FIOSETOWN", set_owner_ioctl }, { "TIOCSTI", push_input }, { "TIOCSTI, high bits", push_input_high },
	{ "grants", grant }, { "end of grants", grant_end }, { "notice of their end", grant_notice },
	{ "mapping", map_grant }, { "notice of its end", map_notice }, { "copies by Xen", copy_grant },
	{ "a buffer of pages", import_buffer },
	{ "sched_setaffinity", affinity }, { "sched_setscheduler", scheduler },
	{ "setpriority", nice_one }, { "setpriority of all", nice_all }, { "ioprio_set", io_class },
	{ "PR_SET_PDEATHSIG", death_signal }, { "kill", kill_other }, { "prlimit", limits },
	{ "execve", program },
};

/* Still possible, for devices with threads. */
static int own_affinity(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) || sched_setaffinity(0, sizeof(set), &set);
}
static int own_nice(void) { return setpriority(PRIO_PROCESS, 0, 10); }
static int name_thread(void) { return prctl(PR_SET_NAME, "x", 0, 0, 0); }
static int flags(void) { return fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK); }
static int waiting(void)
{
	int n;

	return ioctl(pipe_fd[0], FIONREAD, &n);
}

static const struct call granted[] = {
	{ "own affinity", own_affinity }, { "own nice value", own_nice }, { "PR_SET_NAME", name_thread },
	{ "F_SETFL", flags }, { "FIONREAD", waiting },
};

/* In a process of its own: there is no way back. Exit status: calls with a wrong result. */
static int in_filter(void)
{
	int wrong = 0;
	unsigned int i;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_filter())
		return 100;
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		errno = 0;
		if (refused[i].make() == -1 && errno == EPERM)
			continue;
		printf("%s is not refused (errno %d)\n", refused[i].name, errno);
		wrong++;
	}
	for (i = 0; i < sizeof(granted) / sizeof(*granted); i++) {
		if (!granted[i].make())
			continue;
		printf("%s is refused (errno %d)\n", granted[i].name, errno);
		wrong++;
	}
	fflush(stdout);
	return wrong;
}

static void test_filter(void)
{
	int status;
	pid_t pid;

	CHECK_EQ(pipe(pipe_fd), 0);
	other = fork();
	if (!other) {
		for (;;)
			pause();
	}
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(in_filter());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static CU_TestInfo tests[] = {
	{ "filter", test_filter },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
