// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-window DEV SIZE FOLDER [FLAGS]: holds an aperture (FLAGS: XENAPT_OFFER_* as a
 * number) and does what lines in the fifo FOLDER/in say; an answer of one line each
 * goes to the fifo FOLDER/out.
 *
 *	load PATH	the file's octets into the aperture, from its start
 *	save PATH	the whole aperture into the file
 *	ring		doorbell
 *	wait MS		for an interrupt; says how many
 *	nonce N		N into it, doorbell, interrupt; says what the kernel consumer answered
 *	withdraw	says the errno, 0 when it was taken back; then it ends
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aperture.h"
#include "nonce.h"

static struct aperture window;
static char answer[400];

#define say(...) snprintf(answer, sizeof(answer), __VA_ARGS__)

static void load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, window.memory, window.offer.granted);

	say("error=%d octets=%zd", n < 0 ? errno : 0, n);
	if (fd >= 0)
		close(fd);
}

static void save(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, window.memory, window.offer.granted);

	say("error=%d octets=%zd", n < 0 ? errno : 0, n);
	if (fd >= 0)
		close(fd);
}

static void nonce(const char *text)
{
	const struct nonce_report *shared = (void *)(window.memory + NONCE_REPORT_AT);
	uint32_t before = __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE);
	uint64_t n = strtoull(text, NULL, 0);
	struct nonce_report r;
	int interrupts = 0, tries;

	__atomic_store_n((uint64_t *)(window.memory + NONCE_AT), n, __ATOMIC_RELEASE);
	if (aperture_doorbell(&window)) {
		say("error=%d", errno);
		return;
	}
	for (tries = 0; tries < 20 && __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE) == before;
	     tries++)
		interrupts += aperture_wait(window.fd, 1000) > 0;
	r = *shared;
	r.comm[sizeof(r.comm) - 1] = '\0';
	say("error=0 right=%d answers=%u interrupts=%d ip=0x%llx data=0x%llx flags=0x%x cs=0x%x ring=%u pid=%u comm=%s",
	    r.answer == ~n, r.sequence - before, interrupts, (unsigned long long)r.ip,
	    (unsigned long long)r.data, r.flags, r.cs, r.ring, r.pid, r.comm);
}

static int obey(char *line)
{
	char *word = strtok(line, " \n"), *rest = strtok(NULL, "\n");
	int err;

	if (!word)
		return 0;
	if (!strcmp(word, "withdraw")) {
		err = aperture_withdraw(&window);
		say("errno=%d", -err);
		return !err;
	}
	if (!strcmp(word, "ring"))
		say("error=%d", -aperture_doorbell(&window));
	else if (!strcmp(word, "wait") && rest)
		say("interrupts=%d", aperture_wait(window.fd, atoi(rest)));
	else if (!strcmp(word, "load") && rest)
		load(rest);
	else if (!strcmp(word, "save") && rest)
		save(rest);
	else if (!strcmp(word, "nonce") && rest)
		nonce(rest);
	else
		say("unknown");
	return 0;
}

static void reply(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return;
	fprintf(out, "%s\n", answer);
	fclose(out);
}

static int map(uint32_t flags)
{
	int prot = PROT_READ | (flags & XENAPT_OFFER_CHILD_READ_ONLY ? 0 : PROT_WRITE);
	void *p = mmap(NULL, window.offer.granted, prot, MAP_SHARED, window.fd,
		       (off_t)window.offer.offset);

	if (p == MAP_FAILED)
		return -errno;
	window.memory = p;
	return 0;
}

static int offer(unsigned int nr, uint64_t size, uint32_t flags)
{
	int fd = device_open(nr), err;

	if (fd < 0)
		return 1;
	window.fd = fd;
	window.offer = (struct xenapt_ioc_offer){ .wanted = size, .least = size, .flags = flags };
	err = ioctl(fd, XENAPT_IOC_OFFER, &window.offer) ? -errno : map(flags);
	say("ready errno=%d status=%u slot=%u", -err, window.offer.status, window.offer.slot);
	return err;
}

int main(int argc, char **argv)
{
	char in[200], out[200], line[300];
	int end;

	if (argc < 4) {
		fprintf(stderr, "usage: aperture-window DEV SIZE FOLDER [FLAGS]\n");
		return 2;
	}
	snprintf(in, sizeof(in), "%s/in", argv[3]);
	snprintf(out, sizeof(out), "%s/out", argv[3]);
	end = offer((unsigned int)strtoul(argv[1], NULL, 0), strtoull(argv[2], NULL, 0),
		    argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0);
	reply(out);
	while (!end) {
		FILE *f = fopen(in, "r");

		if (!f || !fgets(line, sizeof(line), f))
			line[0] = '\0';
		if (f)
			fclose(f);
		if (!line[0])
			continue;
		end = obey(line);
		reply(out);
	}
	return 0;
}
