// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs commands in a guest for the rig. dom0 writes data/rig/cmd/ID = "SECONDS COMMAND" in the
 * guest's directory; the agent runs COMMAND by sh in a process group of its own and writes its
 * output to data/rig/out/ID/0, 1, ... and then data/rig/done/ID = "STATUS CHUNKS". dom0 removes all
 * of them. A command that takes longer than SECONDS is killed: status 124. Any number may run at
 * once. The agent starts no console traffic and lives until the guest ends.
 */
#define _GNU_SOURCE
#include "xs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 1024		/* bytes; a node may hold 2048 by default */
#define CHUNKS_MAX 64		/* output beyond 64 KiB is cut, the end is kept */
#define RUNNING_MAX 16

struct command {
	pid_t pid;		/* 0: the entry is free */
	char id[32];
	time_t deadline;
	int output;		/* an unlinked file */
	int late;
};

static struct command commands[RUNNING_MAX];

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void report(const char *id, int status, int chunks)
{
	char path[96], value[32];

	snprintf(path, sizeof(path), "data/rig/done/%s", id);
	snprintf(value, sizeof(value), "%d %d", status, chunks);
	if (xs_put(path, value, strlen(value)))
		perror("rig-agent: data/rig/done");
}

static int write_chunks(struct command *c)
{
	off_t size = lseek(c->output, 0, SEEK_END);
	off_t from = size > CHUNK * CHUNKS_MAX ? size - CHUNK * CHUNKS_MAX : 0;
	char chunk[CHUNK], path[96];
	int count = 0;
	ssize_t n;

	while ((n = pread(c->output, chunk, CHUNK, from)) > 0) {
		snprintf(path, sizeof(path), "data/rig/out/%s/%d", c->id, count);
		if (xs_put(path, chunk, n))
			break;
		from += n;
		count++;
	}
	return count;
}

static void finish(struct command *c, int wstatus)
{
	int status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);

	report(c->id, c->late ? 124 : status, write_chunks(c));
	close(c->output);
	c->pid = 0;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < RUNNING_MAX; i++)
			if (commands[i].pid == pid)
				finish(&commands[i], status);
}

static void run_child(int output, const char *text)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(output, 1);
	dup2(output, 2);
	execl("/bin/sh", "sh", "-c", text, NULL);
	_exit(127);
}

static struct command *free_entry(void)
{
	for (int i = 0; i < RUNNING_MAX; i++)
		if (!commands[i].pid)
			return &commands[i];
	return NULL;
}

static void start(const char *id, char *line)
{
	struct command *c = free_entry();
	char *text;
	long seconds = strtol(line, &text, 10);

	if (!c || *text != ' ' || strlen(id) >= sizeof(c->id)) {
		report(id, 126, 0);
		return;
	}
	c->output = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	c->pid = c->output < 0 ? -1 : fork();
	if (!c->pid)
		run_child(c->output, text + 1);
	if (c->pid < 0) {
		c->pid = 0;
		report(id, 126, 0);
		return;
	}
	strcpy(c->id, id);
	c->deadline = now() + seconds;
	c->late = 0;
}

/* PATH is of this domain's directory or absolute; what follows "data/rig/cmd/" is the id. */
static void look_at(const char *path)
{
	const char *id = strstr(path, "data/rig/cmd/");
	char line[XS_VALUE_MAX + 1], node[96];

	if (!id)
		return;
	id += strlen("data/rig/cmd/");
	snprintf(node, sizeof(node), "data/rig/cmd/%.40s", id);
	if (xs_get(node, line) <= 0)
		return;
	xs_remove(node);
	start(id, line);
}

static void kill_late(void)
{
	for (int i = 0; i < RUNNING_MAX; i++)
		if (commands[i].pid && now() >= commands[i].deadline) {
			commands[i].late = 1;
			kill(-commands[i].pid, SIGKILL);
		}
}

static int child_signal(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return signalfd(-1, &child, SFD_CLOEXEC);
}

int main(void)
{
	char path[XS_VALUE_MAX + 1];
	struct signalfd_siginfo info;
	struct pollfd files[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (xs_open_bus() || xs_watch_path("data/rig/cmd") || xs_put("data/rig/ready", "1", 1)) {
		perror("rig-agent: xenstore");
		return 1;
	}
	files[0].fd = xs_file();
	files[1].fd = child_signal();
	for (;;) {
		while (xs_wait(path, 0) == 1)
			look_at(path);
		if (poll(files, 2, 1000) > 0 && (files[1].revents & POLLIN) &&
		    read(files[1].fd, &info, sizeof(info)) > 0)
			reap();
		kill_late();
	}
}
