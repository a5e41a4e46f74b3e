/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MOST_FAILURES 20u	/* then the rest of the program is not worth its time */

static bool report(bool value, const char *text, const char *file, unsigned int line,
		   const char *function)
{
	CU_assertImplementation(value, line, text, file, function, CU_FALSE);
	if (!value) {
		printf("# %s:%u: %s: %s\n", file, line, function, text);
		fflush(stdout);
		if (CU_get_number_of_failures() >= MOST_FAILURES) {
			printf("not ok - too many failures, stopped\n");
			exit(1);
		}
	}
	return value;
}

bool check_true(bool value, const char *what, const char *file, unsigned int line,
		const char *function)
{
	return report(value, what, file, line, function);
}

bool check_equal(uint64_t actual, uint64_t expected, const char *what, const char *file,
		 unsigned int line, const char *function)
{
	char text[400];

	if (actual == expected)
		return report(true, what, file, line, function);
	snprintf(text, sizeof(text), "%.300s: %llu (%#llx), expected %llu (%#llx)", what,
		 (unsigned long long)actual, (unsigned long long)actual,
		 (unsigned long long)expected, (unsigned long long)expected);
	return report(false, text, file, line, function);
}

bool check_case(bool value, const char *what, uint64_t a, uint64_t b, const char *file,
		unsigned int line, const char *function)
{
	char text[400];

	if (value)
		return report(true, what, file, line, function);
	snprintf(text, sizeof(text), "%.300s (case %llu, %llu)", what, (unsigned long long)a,
		 (unsigned long long)b);
	return report(false, text, file, line, function);
}

bool check_string(const char *actual, const char *expected, const char *what, const char *file,
		  unsigned int line, const char *function)
{
	char text[400];

	if (actual && !strcmp(actual, expected))
		return report(true, what, file, line, function);
	snprintf(text, sizeof(text), "%.100s: \"%.100s\", expected \"%.100s\"", what,
		 actual ? actual : "(null)", expected);
	return report(false, text, file, line, function);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int check_main(const char *program, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {
		{ .pName = base_name(program), .pTests = tests },
		CU_SUITE_INFO_NULL,
	};
	unsigned int failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", program, CU_get_error_msg());
		return 2;
	}
	if (CU_run_all_tests() != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", program, CU_get_error_msg());
		return 2;
	}
	failed = CU_get_number_of_failures();
	if (!CU_get_number_of_asserts()) {
		printf("not ok - %s: it asserted nothing\n", base_name(program));
		return 1;
	}
	printf("%sok - %s: %u tests, %u assertions", failed ? "not " : "", base_name(program),
	       CU_get_number_of_tests_run(), CU_get_number_of_asserts());
	if (failed)
		printf(", %u failed", failed);
	printf("\n");
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
