// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-bench PORT SIZE read|write COUNT [VALUE]: port accesses timed by the processor's counter, from just
 * before the instruction to just after it. In the rig's deterministic mode the counter counts the
 * instructions of the whole machine. A plain program: to it these are ports.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>

#define WARM_UP		64u
#define SAMPLES_MOST	100000u

static uint64_t sample[SAMPLES_MOST];

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	asm volatile("lfence\n\trdtsc\n\tlfence" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint32_t read_port(uint16_t port, unsigned int size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void write_port(uint16_t port, unsigned int size, uint32_t value)
{
	if (size == 1)
		outb((uint8_t)value, port);
	else if (size == 2)
		outw((uint16_t)value, port);
	else
		outl(value, port);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	uint32_t value = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 0) : 0;
	unsigned int size, count, i;
	int write;
	uint16_t port;

	if (argc < 5) {
		fprintf(stderr, "usage: trap-bench PORT SIZE read|write COUNT [VALUE]\n");
		return 2;
	}
	port = (uint16_t)strtoul(argv[1], NULL, 0);
	size = (unsigned int)atoi(argv[2]);
	write = !strcmp(argv[3], "write");
	count = (unsigned int)atoi(argv[4]);
	if (!count || count > SAMPLES_MOST || (size != 1 && size != 2 && size != 4)) {
		fprintf(stderr, "trap-bench: SIZE is 1, 2 or 4, COUNT 1 to %u\n", SAMPLES_MOST);
		return 2;
	}
	if (iopl(3) || mlockall(MCL_CURRENT)) {
		perror("trap-bench");
		return 1;
	}
	for (i = 0; i < count + WARM_UP; i++) {
		uint64_t begun = ticks();

		if (write)
			write_port(port, size, value);
		else
			value = read_port(port, size);
		if (i >= WARM_UP)
			sample[i - WARM_UP] = ticks() - begun;
	}
	qsort(sample, count, sizeof(sample[0]), compare);
	printf("median=%lu min=%lu max=%lu p95=%lu count=%u value=0x%x\n", sample[count / 2], sample[0],
	       sample[count - 1], sample[count * 95 / 100], count, value);
	return 0;
}
