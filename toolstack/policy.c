/* SPDX-License-Identifier: GPL-2.0-only */
#include <unistd.h>

#include "../backend/daemon/config.h"
#include "measure.h"

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
}
