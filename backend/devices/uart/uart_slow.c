// SPDX-License-Identifier: GPL-2.0-only
/*
 * uart - the slow half: the files at the other end of the line.
 *
 * Every place in them comes from the state. So an operation that is executed twice, because the
 * process was killed or the state was taken away before the commit, writes the same characters to
 * the same place. A place that no such operation can have left is another's doing: the file was truncated,
 * or the state is forged. Then it goes on at the file's end.
 */
#define _GNU_SOURCE	/* fallocate() */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenaperture.h>

#include "uart.h"

#define BUSY_FOR_NS	1000000000u	/* after the last character */
#define RETRY_NS	10000000000u	/* for files that could not be opened */
#define STEP		65536u		/* octets: files are freed in such pieces */
#define KEEP		(16u << 20)	/* octets of output */

/* ---- files ---- */

/* Once: the guest may print for ever. */
static void failed(struct uart_device *d, const char *what)
{
	if (!d->failed)
		xenaperture_log(d->xa, XENAPERTURE_ERROR, "%s: %s; characters are lost", what,
				strerror(errno));
	d->failed = true;
}

static uint64_t end_of(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
}

/* What is in front of place is not wanted any more. A file system that cannot do that keeps it. */
static void free_before(int fd, uint64_t before, uint64_t place)
{
	place -= place % STEP;
	if (place > before - before % STEP)
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)place);
}

static void check_out(const struct uart_device *d, struct uart_state *s)
{
	uint64_t end = end_of(d->out);

	if (d->out >= 0 && (s->out_place > end || end - s->out_place > UART_SENT))
		s->out_place = end;
}

/* What was received is in the file still, until it was read. */
static void check_in(const struct uart_device *d, struct uart_state *s)
{
	uint64_t end = end_of(d->in);

	if (d->in < 0 || s->in_place + s->nr_received <= end)
		return;
	s->in_place = end;
	s->nr_received = 0;
}

static void write_out(struct uart_device *d, const struct uart_state *s)
{
	uint32_t done = 0;

	if (d->out < 0)
		return;
	while (done < s->nr_sent) {
		ssize_t n = pwrite(d->out, s->sent + done, s->nr_sent - done,
				   (off_t)(s->out_place + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			failed(d, "output");
			return;
		}
		done += (uint32_t)n;
	}
	d->failed = false;
}

static void send_all(struct uart_device *d, struct uart_state *s)
{
	uint64_t before;

	check_out(d, s);
	before = s->out_place;
	write_out(d, s);
	s->out_place += s->nr_sent;
	s->nr_sent = 0;
	s->looked = 0;
	if (d->out >= 0 && d->keep && before > d->keep)
		free_before(d->out, before - d->keep, s->out_place - d->keep);
}

/* What the guest has read stays a while: that it read them may not be committed yet. */
static bool receive_some(struct uart_device *d, struct uart_state *s)
{
	uint8_t octets[UART_RECEIVED];
	uint32_t room, i;
	ssize_t n;

	check_in(d, s);
	room = UART_RECEIVED - s->nr_received;
	n = d->in < 0 ? 0 : pread(d->in, octets, room, (off_t)(s->in_place + s->nr_received));
	if (n <= 0)
		return false;
	for (i = 0; i < (uint32_t)n; i++)
		s->received[(s->first + s->nr_received + i) % UART_RECEIVED] = octets[i];
	s->nr_received = (uint16_t)(s->nr_received + n);
	if (s->in_place > 2 * STEP)
		free_before(d->in, s->in_place - 2 * STEP, s->in_place - STEP);
	return true;
}

/* A supervisor that is slow is asked twice; the log has it once. */
static int open_file(const struct uart_device *d, unsigned int which, bool quiet)
{
	int fd = xenaperture_file(d->xa, which);

	if (fd < 0 && errno == ETIMEDOUT && !quiet)
		fd = xenaperture_file(d->xa, which);
	if (fd < 0 && !quiet)
		xenaperture_log(d->xa, XENAPERTURE_ERROR, "no %s: %s",
				which == XENAPERTURE_OUTPUT ? "output" : "input", xenaperture_error());
	return fd;
}

/* What is sent meanwhile is lost: the guest does not wait for an administrator. */
static void open_missing(struct uart_device *d, uint64_t now)
{
	bool due = d->retry && now >= d->retry;

	if (d->out >= 0 && d->in >= 0)
		return;
	if (due && d->out < 0)
		d->out = open_file(d, XENAPERTURE_OUTPUT, true);
	if (due && d->in < 0)
		d->in = open_file(d, XENAPERTURE_INPUT, true);
	if (due || !d->retry)
		d->retry = now + RETRY_NS;
}

/* ---- operations ---- */

/*
 * The first time that a file is there: what is in it is another life's. Nothing is written before the place is
 * committed: what waited was lost already.
 */
static void place(const struct uart_device *d, struct uart_state *s)
{
	s->placed |= UART_PLACED;
	if (d->out >= 0 && !(s->placed & UART_PLACED_OUT)) {
		s->out_place = end_of(d->out);
		s->nr_sent = 0;
		s->placed |= UART_PLACED_OUT;
	}
	if (d->in >= 0 && !(s->placed & UART_PLACED_IN) && !uart_loops(s)) {
		s->in_place = end_of(d->in);
		s->placed |= UART_PLACED_IN;
	}
}

static void exchange(struct xenaperture_run *run)
{
	struct uart_device *d = run->device;
	struct uart_state *s = run->state;
	bool busy = s->nr_sent;

	open_missing(d, run->now);
	place(d, s);
	send_all(d, s);
	if (!uart_loops(s))
		busy |= receive_some(d, s);
	if (busy)
		s->busy_until = run->now + BUSY_FOR_NS;
	s->ask_at = run->now + (run->now < s->busy_until ? XENAPERTURE_UART_BUSY_NS :
							   XENAPERTURE_UART_IDLE_NS);
}

static uint32_t slow_read(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	(void)index;
	exchange(run);
	return uart_get(run, id, value);
}

static uint32_t slow_write(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	(void)index;
	exchange(run);
	return uart_put(run, id, value);
}

const struct xenaperture_functions uart_slow = {
	.read = slow_read,
	.write = slow_write,
};

/* ---- connection ---- */

/* "uart.keep = 1048576" in apertured.conf: octets. */
static int read_setting(struct xenaperture *xa, uint64_t *keep)
{
	const char *text = xenaperture_setting(xa, "keep");
	unsigned long long n;
	char *end;

	*keep = KEEP;
	if (!text)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || (n && n < STEP) || n > UART_PLACE_MOST) {
		xenaperture_log(xa, XENAPERTURE_ERROR,
				"uart.keep = %s: it must be octets, %u or more, or 0: all", text, STEP);
		return -1;
	}
	*keep = n;
	return 0;
}

static void *device_create(struct xenaperture *xa, void *opaque)
{
	struct uart_device *d = calloc(1, sizeof(*d));

	(void)opaque;
	if (!d)
		return NULL;
	if (read_setting(xa, &d->keep)) {
		free(d);
		errno = EINVAL;
		return NULL;
	}
	/* Without them the guest goes on all the same. */
	d->xa = xa;
	d->out = open_file(d, XENAPERTURE_OUTPUT, false);
	d->in = open_file(d, XENAPERTURE_INPUT, false);
	return d;
}

static void device_destroy(void *device)
{
	struct uart_device *d = device;

	if (d->out >= 0)
		close(d->out);
	if (d->in >= 0)
		close(d->in);
	free(d);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = XENAPERTURE_UART_TYPE,
	.create = device_create,
	.destroy = device_destroy,
	.model = &uart_model,
	.slow = &uart_slow,
};
