/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../backend/daemon/config.h"
#include "measure.h"

#define POLICY_FORMAT	"max_pages_per_guest=%" SCNu64 " max_mapped_total=%" SCNu64 " max_size=%" SCNu64 \
			" max_given=%" SCNu64 " max_given_total=%" SCNu64
#define CONFIG_FILE	XENAPERTURE_SYSCONF "/apertured.conf"

void measure_policy(struct facts *facts)
{
	static char text[CONFIG_TEXT];
	struct config config;
	char error[256];

	config_defaults(&config);
	if (!access(CONFIG_FILE, F_OK) &&
	    (config_load(CONFIG_FILE, text, error, sizeof(error)) ||
	     config_parse(&config, CONFIG_FILE, text, error, sizeof(error)))) {
		say("%s: its limits are not known", error);
		return;
	}
	facts->policy_pages = config.max_pages_per_guest;
	if (config.max_mapped_total)
		facts->policy_total = config.max_mapped_total;
	facts->policy_size = config.max_size;
	facts->policy_given = config.max_given;
	facts->policy_given_total = config.max_given_total;
}

/* Another domain wrote it: numbers, in this order, or nothing of it counts. */
void policy_parse(const char *text, struct facts *facts)
{
	uint64_t pages, total, size, given, given_total;
	int end = -1;

	if (strpbrk(text, "-+") || sscanf(text, POLICY_FORMAT "%n", &pages, &total, &size, &given, &given_total, &end) != 5 ||
	    end < 0 || text[end])
		return;
	facts->policy_pages = pages;
	facts->policy_total = total;
	facts->policy_size = size;
	facts->policy_given = given;
	facts->policy_given_total = given_total;
}
