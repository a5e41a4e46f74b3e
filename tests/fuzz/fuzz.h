/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share. With -fsanitize=fuzzer a target is libFuzzer's. Built with
 * -DFUZZ_MAIN it is a program of its own:
 *
 *	fuzz_NAME [RUNS [SEED]]		random inputs; the same seed, the same inputs
 *	fuzz_NAME FILE...		replay
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)								\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();						\
		}								\
	} while (0)

/* The input as a stream; zeroes behind its end. */
struct input {
	const uint8_t *at, *end;
};

static inline uint64_t take(struct input *in, unsigned int octets)
{
	uint64_t v = 0;

	while (octets--)
		v = v << 8 | (in->at < in->end ? *in->at++ : 0);
	return v;
}

#ifdef FUZZ_MAIN

#define FUZZ_LONGEST	600u

/* Proof that random inputs get anywhere: targets count what they must reach. */
static unsigned long reached;
#define REACHED()	(reached++)

static inline uint64_t fuzz_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Random octets, small ones more often, some runs of one value. */
static inline size_t fuzz_make(uint64_t *state, uint8_t *data)
{
	size_t n = fuzz_next(state) % FUZZ_LONGEST, i = 0;

	while (i < n) {
		uint64_t r = fuzz_next(state);
		size_t run = r % 8 ? 1 : 1 + (r >> 8) % 8;
		uint8_t v = r >> 16 & 1 ? (uint8_t)(r >> 24) : (uint8_t)((r >> 24) % 16);

		while (run-- && i < n)
			data[i++] = v;
	}
	return n;
}

static inline int fuzz_replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		return 2;
	}
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	return LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
	unsigned long runs = 20000, i;
	uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	static uint8_t data[FUZZ_LONGEST];
	char *end;

	if (argc > 1) {
		runs = strtoul(argv[1], &end, 10);
		if (*end) {
			for (i = 1; i < (unsigned long)argc; i++)
				if (fuzz_replay(argv[i]))
					return 2;
			return 0;
		}
	}
	for (i = 0; i < runs; i++)
		LLVMFuzzerTestOneInput(data, fuzz_make(&state, data));
	printf("%sok - %s: %lu inputs, %lu got through\n", reached ? "" : "not ",
	       strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], i, reached);
	return !reached;
}

#else
#define REACHED()	((void)0)
#endif

#endif
