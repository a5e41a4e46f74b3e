// SPDX-License-Identifier: GPL-2.0-only
/*
 * uart-try irq TTY [NUMBER]   the interrupt of a serial port, and its type; with NUMBER it is set first, as
 *                             setserial(8) does. 0: the driver polls
 * uart-try trap PORT MS       the check device at PORT traps for so long
 */
#include <err.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>

#include "check_registers.h"

static int irq(const char *tty, const char *number)
{
	struct serial_struct port;
	int fd = open(tty, O_RDWR | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || ioctl(fd, TIOCGSERIAL, &port))
		err(1, "%s", tty);
	if (number) {
		port.irq = atoi(number);
		if (ioctl(fd, TIOCSSERIAL, &port) || ioctl(fd, TIOCGSERIAL, &port))
			err(1, "%s: irq %s", tty, number);
	}
	printf("type=%d port=0x%x irq=%d fifo=%d\n", port.type, port.port, port.irq, port.xmit_fifo_size);
	return 0;
}

/* NOW in two halves: the lower one may run over between them, once in 4 s. */
static int trap(uint16_t port, uint32_t ms)
{
	uint64_t until;

	if (iopl(3))
		err(1, "iopl");
	until = inl(port + CHECK_NOW) | (uint64_t)inl(port + CHECK_NOW + 4) << 32;
	until += ms * 1000000ull;
	outl((uint32_t)until, port + CHECK_ARGUMENT);
	outl((uint32_t)(until >> 32), port + CHECK_ARGUMENT + 4);
	outl(CHECK_DO_UNDEFINED, port + CHECK_DO);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "irq"))
		return irq(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "trap"))
		return trap((uint16_t)strtoul(argv[2], NULL, 0), (uint32_t)atoi(argv[3]));
	errx(2, "usage: uart-try irq TTY [NUMBER] | uart-try trap PORT MS");
}
