/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test program shares: assertions that show both values, and a
 * main that is quiet when all is well.
 *
 * A program is a list of CU_TestInfo and CHECK_MAIN(list). It prints one line
 * "ok NAME: ..." or one line per failure, and its exit status is 0 only if no
 * assertion failed.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdint.h>

/* Compare as unsigned 64-bit; both values stand in the report. */
#define CHECK_EQ(actual, expected)                                                  \
	check_equal((uint64_t)(actual), (uint64_t)(expected), #actual " == " #expected, \
		    __FILE__, __LINE__, __func__)

#define CHECK(condition) check_true(!!(condition), #condition, __FILE__, __LINE__, __func__)

/* The same, with numbers that say which case of a table or which seed it was. */
#define CHECK_CASE(condition, a, b)                                                 \
	check_case(!!(condition), #condition, (uint64_t)(a), (uint64_t)(b), __FILE__,   \
		   __LINE__, __func__)

#define CHECK_STR(actual, expected)                                                 \
	check_string(actual, expected, #actual, __FILE__, __LINE__, __func__)

bool check_equal(uint64_t actual, uint64_t expected, const char *what, const char *file,
		 unsigned int line, const char *function);
bool check_true(bool value, const char *what, const char *file, unsigned int line,
		const char *function);
bool check_case(bool value, const char *what, uint64_t a, uint64_t b, const char *file,
		unsigned int line, const char *function);
bool check_string(const char *actual, const char *expected, const char *what, const char *file,
		  unsigned int line, const char *function);

/* Deterministic pseudo random numbers (splitmix64). */
static inline uint64_t check_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int check_main(const char *program, CU_TestInfo *tests);

#define CHECK_MAIN(list)                                                            \
	int main(int argc, char **argv)                                             \
	{                                                                           \
		(void)argc;                                                         \
		return check_main(argv[0], list);                                   \
	}

#endif
