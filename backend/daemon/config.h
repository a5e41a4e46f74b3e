/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * apertured.conf: lines "key = value", "# comment". What each key means is in
 * apertured.conf(5). An unknown key or an impossible value is an error with file and
 * line; nothing is guessed.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include <xenaperture.h>

#define CONFIG_SETTINGS	64
#define CONFIG_TEXT	65536	/* largest file, octets */

struct config_setting {
	char name[64];		/* "<type>.<key>" */
	char value[192];
};

struct config {
	char device_dir[256];
	uint64_t max_pages_per_guest;
	uint64_t max_mapped_total;	/* pages, of all guests; 0: by what Xen admits */
	uint64_t max_size;	/* bytes */
	uint64_t max_given;	/* bytes, of this side's memory to one guest; 0: none */
	uint64_t max_given_total;	/* ... to all guests */
	char user[33];		/* "" or "root": stay root, without capabilities */
	enum xenaperture_level log;
	uint32_t stub_watchdog;	/* ms; 0: off */
	char files[256];	/* folder of the devices' files */
	struct config_setting setting[CONFIG_SETTINGS];
	unsigned int nr_settings;
};

void config_defaults(struct config *c);

/* Text of the file name, at most CONFIG_TEXT - 1 octets. 0, or -1 and error says why. */
int config_load(const char *name, char *text, char *error, size_t room);

/* 0, or -1 and error is "name:line: ...". */
int config_parse(struct config *c, const char *name, const char *text, char *error, size_t room);

/* "error", "warning", "info", "debug": 0; else -1. */
int config_level(const char *text, enum xenaperture_level *level);

#endif
