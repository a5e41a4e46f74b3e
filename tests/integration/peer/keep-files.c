// SPDX-License-Identifier: GPL-2.0-only
/*
 * keep-files COMMAND...: as much of a service manager as descriptors need. Runs the command again and
 * again; what it sends to NOTIFY_SOCKET with FDSTORE=1 it finds again, by name, from descriptor 3 on.
 * Ends when SIGTERM comes, and the command with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST	200
#define HIGH	500	/* descriptors here; the command's begin at 3 */

static struct {
	int fd;
	char name[64];
} kept[MOST];
static unsigned int n;
static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	(void)signal;
	stop = 1;
}

static int open_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/run/keep-files.%d", getpid());
	unlink(a.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	return fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
}

static void drop(const char *name)
{
	unsigned int i;

	for (i = 0; i < n;) {
		if (strcmp(kept[i].name, name)) {
			i++;
			continue;
		}
		close(kept[i].fd);
		kept[i] = kept[--n];
	}
}

static void take(const char *text, int fd)
{
	const char *at = strstr(text, "FDNAME=");
	char name[64] = "";

	if (at)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	if (!strncmp(text, "FDSTOREREMOVE=1", 15))
		drop(name);
	if (fd < 0)
		return;
	if (!strncmp(text, "FDSTORE=1", 9) && n < MOST) {
		kept[n].fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
		strcpy(kept[n++].name, name);
	}
	close(fd);
}

static void hear(int notify)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[256];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(notify, &h, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fd = -1;

	if (got < 0)
		return;
	text[got] = '\0';
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	take(text, fd);
}

static void run(char **argv)
{
	char number[12], names[MOST * 65] = "";
	unsigned int i;

	for (i = 0; i < n; i++) {
		dup2(kept[i].fd, 3 + (int)i);
		strcat(strcat(names, i ? ":" : ""), kept[i].name);
	}
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct sigaction term = { .sa_handler = on_term };
	int notify = open_socket();
	pid_t pid = -1;

	if (argc < 2 || notify < 0) {
		fprintf(stderr, "usage: keep-files COMMAND...\n");
		return 2;
	}
	sigaction(SIGTERM, &term, NULL);
	while (!stop) {
		pid = fork();
		if (!pid)
			run(argv + 1);
		/* A timeout: whether it ended is looked for between messages. */
		setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_usec = 20000 },
			   sizeof(struct timeval));
		while (!stop && !waitpid(pid, NULL, WNOHANG))
			hear(notify);
		if (stop)
			kill(pid, SIGTERM);
	}
	waitpid(pid, NULL, 0);
	unlink(getenv("NOTIFY_SOCKET"));
	return 0;
}
