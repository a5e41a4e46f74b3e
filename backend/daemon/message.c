// SPDX-License-Identifier: GPL-2.0-only
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int message_send(int fd, struct message *m, int extra)
{
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };

	m->version = MESSAGE_VERSION;
	if (extra >= 0) {
		struct cmsghdr *c;

		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &extra, sizeof(int));
	}
	return sendmsg(fd, &h, MSG_NOSIGNAL) == (ssize_t)sizeof(*m) ? 0 : -1;
}

static int passed(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int message_receive(int fd, struct message *m, int *extra)
{
	struct iovec iov = { m, sizeof(*m) };
	union control control;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int got = -1;
	ssize_t n;

	if (extra) {
		/* Room for one to the octet: padding would let in a second, to stay for ever. */
		h.msg_control = &control;
		h.msg_controllen = CMSG_LEN(sizeof(int));
		*extra = -1;
	}
	n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return (int)n;
	if (extra)
		got = passed(&h);
	if (n != (ssize_t)sizeof(*m) || h.msg_flags & MSG_TRUNC ||
	    m->version != MESSAGE_VERSION) {
		if (got >= 0)
			close(got);
		errno = EPROTO;
		return -1;
	}
	if (extra)
		*extra = got;
	/* What a peer wrote ends where we say. */
	m->text[sizeof(m->text) - 1] = '\0';
	m->link.type[sizeof(m->link.type) - 1] = '\0';
	return 1;
}
