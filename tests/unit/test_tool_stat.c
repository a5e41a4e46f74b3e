/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of counters: whoever wrote them, reading one ends with counters or a reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../toolstack/statfile.h"
#include "check.h"
#include "hush.h"

static char folder[] = "/tmp/tool-stat-XXXXXX";

static struct xenaperture_stat good(void)
{
	struct xenaperture_stat stat = {
		.magic = XENAPERTURE_STAT_MAGIC, .version = XENAPERTURE_STAT_VERSION,
		.size = sizeof(stat), .domid = 5, .devid = 0, .type = "mem",
		.parent.published = 12345,
	};

	return stat;
}

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static void put(const char *name, const void *data, size_t length)
{
	char path[100];
	FILE *file;

	path_of(name, path, sizeof(path));
	file = fopen(path, "w");
	if (!CHECK(file))
		return;
	CHECK_EQ(fwrite(data, 1, length, file), length);
	fclose(file);
}

static enum statfile_result read_back(struct xenaperture_stat *stat, struct why *why)
{
	return statfile_read(folder, "5-0.stat", stat, why);
}

static void test_good(void)
{
	struct { struct xenaperture_stat stat; char later[64]; } longer = { .stat = good() };
	struct xenaperture_stat stat = good();
	struct why why;

	put("5-0.stat", &stat, sizeof(stat));
	memset(&stat, 0, sizeof(stat));
	CHECK_EQ(read_back(&stat, &why), STATFILE_READ);
	CHECK_EQ(stat.parent.published, 12345);
	CHECK_STR(stat.type, "mem");
	/* A later daemon adds fields at the end. */
	longer.stat.size = sizeof(longer);
	put("5-0.stat", &longer, sizeof(longer));
	CHECK_EQ(read_back(&stat, &why), STATFILE_READ);
}

static void test_refused(void)
{
	struct xenaperture_stat bad, stat;
	struct why why;

	bad = good();
	put("5-0.stat", &bad, sizeof(bad) - 1);
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	CHECK(strstr(why.text, "cut"));
	put("5-0.stat", "", 0);
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	bad.magic++;
	put("5-0.stat", &bad, sizeof(bad));
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	CHECK(strstr(why.text, "not a file of counters"));
	bad = good();
	bad.version = 77;
	put("5-0.stat", &bad, sizeof(bad));
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	CHECK(strstr(why.text, "version 77"));
	bad = good();
	bad.size = sizeof(bad) - 8;
	put("5-0.stat", &bad, sizeof(bad));
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
}

/* Strings without an end, octets that a terminal obeys. */
static void test_strings(void)
{
	struct xenaperture_stat bad = good(), stat;
	struct why why;

	memset(bad.type, 'a', sizeof(bad.type));
	memset(bad.server, '\033', sizeof(bad.server));
	memset(bad.error, 0xff, sizeof(bad.error));
	put("5-0.stat", &bad, sizeof(bad));
	CHECK_EQ(read_back(&stat, &why), STATFILE_READ);
	CHECK_EQ(strlen(stat.type), sizeof(stat.type) - 1);
	CHECK_STR(stat.server, "???????????????");
	CHECK_EQ(strlen(stat.error), sizeof(stat.error) - 1);
}

static void test_other_files(void)
{
	struct xenaperture_stat stat;
	char path[100];
	struct why why;

	path_of("5-0.stat", path, sizeof(path));
	unlink(path);
	CHECK_EQ(read_back(&stat, &why), STATFILE_GONE);
	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	unlink(path);
	stat = good();
	put("elsewhere", &stat, sizeof(stat));
	CHECK_EQ(symlink("elsewhere", path), 0);
	CHECK_EQ(read_back(&stat, &why), STATFILE_REFUSED);
	unlink(path);
	path_of("elsewhere", path, sizeof(path));
	CHECK_EQ(unlink(path), 0);
}

static void test_folder(void)
{
	static const char *const names[] = {
		"7-1.stat", "7-0.stat", "5-0.stat", "05-0.stat", "5-64.stat", "x-0.stat", "5-0.stat~",
		"-.stat", "5.stat-0", "notes",
	};
	struct xenaperture_stat stat = good();
	struct statfiles files;
	struct why why;
	char path[100];
	unsigned int i;
	int kept;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sscanf(names[i], "%u-%u.stat", &stat.domid, &stat.devid);
		put(names[i], &stat, sizeof(stat));
	}
	CHECK_EQ(statfiles_read(folder, STATFILE_ANY, STATFILE_ANY, &files, &why), 0);
	CHECK_EQ(files.count, 3);
	CHECK_EQ(files.refused, 0);
	CHECK(files.count == 3 && files.stats[0].domid == 5 && files.stats[1].devid == 0);
	statfiles_free(&files);
	CHECK_EQ(statfiles_read(folder, 7, 1, &files, &why), 0);
	CHECK(files.count == 1 && files.stats[0].devid == 1);
	statfiles_free(&files);
	put("7-1.stat", "x", 1);
	kept = hush();
	CHECK_EQ(statfiles_read(folder, 7, STATFILE_ANY, &files, &why), 0);
	speak(kept);
	CHECK_EQ(files.count, 1);
	CHECK_EQ(files.refused, 1);
	statfiles_free(&files);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(names[i], path, sizeof(path));
		unlink(path);
	}
	CHECK_EQ(statfiles_read("/nonexistent/folder", STATFILE_ANY, STATFILE_ANY, &files, &why), 0);
	CHECK_EQ(files.count, 0);
}

static void make_folder(void)
{
	CHECK(mkdtemp(folder));
}

static void remove_folder(void)
{
	CHECK_EQ(rmdir(folder), 0);
}

static CU_TestInfo tests[] = {
	{ "a folder is made", make_folder },
	{ "good files", test_good },
	{ "refused files", test_refused },
	{ "strings", test_strings },
	{ "other files", test_other_files },
	{ "a folder", test_folder },
	{ "the folder is empty again", remove_folder },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
