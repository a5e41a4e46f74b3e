/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "command.h"
#include "config.h"
#include "fast.h"
#include "intercept.h"
#include "remember.h"
#include "removal.h"
#include "serving.h"
#include "table.h"
#include "wait.h"
#include "xl.h"

#define XL_WORDS	(XL_EXTRA_MAX + 6)

struct creation {
	const struct args *args;
	const char *path;
	struct config config;
	struct store store;
	struct guest guest;
	char made_as[UUID_MAX];		/* the uuid that we chose; "": the file's own */
	bool made;			/* xl made the guest: undo destroys it */
	struct guest backends[SPEC_MAX_ID + 1];
	struct device devices[SPEC_MAX_ID + 1];
	unsigned int attached;		/* devices with rings made so far */
	struct fast fast;
	struct intercept intercept;	/* trapped ones */
	struct remembered before;	/* of an earlier guest with this uuid */
	char uuid[UUID_MAX];		/* of which devices are remembered now; "": none */
};

/* xl's other options change what create counts on: a paused guest, no console, this file. */
static bool passes(const char *word)
{
	if (!strcmp(word, "-d") || !strcmp(word, "-e") || !strcmp(word, "-q"))
		return true;
	return word[0] != '-' && word[0] != '=' && strchr(word, '=');
}

static int check_rest(char *const *rest, struct why *why)
{
	unsigned int i;

	for (i = 0; rest[i]; i++) {
		if (i == XL_EXTRA_MAX)
			return why_set(why, "more than %u words follow --: put them into the file",
				       XL_EXTRA_MAX);
		if (!passes(rest[i]))
			return why_set(why, "\"%.40s\" is not passed on to xl create: what may "
				       "follow -- is -d, -e, -q and key=value; for the console use "
				       "xl console afterwards", rest[i]);
	}
	return 0;
}

/* xl takes no option behind the file's name. */
static void make_words(const struct creation *creation, const char *uuid, const char **words)
{
	char *const *rest = creation->args->rest;
	unsigned int i;

	*words++ = "xl";
	*words++ = "create";
	*words++ = "-p";
	for (i = 0; rest[i]; i++)
		if (rest[i][0] == '-')
			*words++ = rest[i];
	*words++ = creation->path;
	for (i = 0; rest[i]; i++)
		if (rest[i][0] != '-')
			*words++ = rest[i];
	if (uuid)
		*words++ = uuid;
	*words = NULL;
}

static void show_devices(const struct config *config)
{
	struct table *table = table_new("rlrrllll");
	char size[CELL_MAX], place[SPEC_PLACE_MAX];
	unsigned int i;
	static const char *const headings[] = {
		"ID", "TYPE", "MAX SIZE", "APERTURES", "SERVER", "BACKEND", "FAST", "DOOR",
	};

	for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, "%s", headings[i]);
	for (i = 0; i < config->count; i++) {
		table_cell(table, "%d", config->specs[i].id);
		table_cell(table, "%s", config->specs[i].type);
		spec_place(&config->specs[i], place);
		table_cell(table, "%s", config->specs[i].door ? "-" :
			   human_size(config->specs[i].max_size, size));
		if (config->specs[i].door)
			table_cell(table, "-");
		else
			table_cell(table, "%u", config->specs[i].max_apertures);
		table_cell(table, "%s", config->specs[i].by_program ? "program" : "apertured");
		table_cell(table, "%s", config->specs[i].backend);
		table_cell(table, "%s", config->specs[i].fast ? "yes" : "no");
		table_cell(table, "%s", place);
	}
	table_print(table, stdout);
}

static bool any_fast(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->count; i++)
		if (config->specs[i].fast)
			return true;
	return false;
}

static bool any_trapped(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->count; i++)
		if (config->specs[i].door)
			return true;
	return false;
}

static int show_plan(const struct creation *creation)
{
	const char *words[XL_WORDS];
	unsigned int i;

	make_words(creation, NULL, words);
	printf("would run:");
	for (i = 0; words[i]; i++)
		printf(" %s", words[i]);
	if (any_fast(&creation->config))
		printf("\nwould make a stub domain of %s", stub_file(&creation->args->fast));
	if (any_trapped(&creation->config))
		printf(", with power over the guest");
	printf("\nwould attach to %s, and let it run:\n", creation->config.name);
	show_devices(&creation->config);
	return EXIT_OK;
}

static int find_backends(struct creation *creation, struct why *why)
{
	unsigned int i;
	struct why what;

	for (i = 0; i < creation->config.count; i++)
		if (serving_find(&creation->store, &creation->config.specs[i], NO_GUEST,
				 &creation->backends[i], &what))
			return why_set(why, "%s: %s", creation->path, what.text);
	return 0;
}

static bool find_made(struct creation *creation)
{
	struct why why;

	return !guest_named(&creation->store, creation->config.name, &creation->guest, &why);
}

/*
 * The name was free before, but somebody else may have taken it since: after an xl that failed only a
 * domain with the uuid that we chose is what it left.
 */
static int create_paused(struct creation *creation)
{
	char word[UUID_MAX + 16];
	const char *words[XL_WORDS];
	struct why why;
	int status;

	if (!creation->config.uuid[0] && uuid_choose(creation->made_as, &why))
		return say_why(EXIT_FAILED, &why);
	snprintf(word, sizeof(word), "uuid=\"%s\"", creation->made_as);
	make_words(creation, creation->made_as[0] ? word : NULL, words);
	status = xl_run(words);
	creation->made = find_made(creation) &&
			 (!status || uuid_is_of(&creation->store, creation->guest.domid, creation->made_as));
	if (creation->made && !status)
		return EXIT_OK;
	if (status)
		say("xl create failed (status %d): what it says above is the reason", status);
	else
		say("xl create worked, but there is no domain \"%s\"", creation->config.name);
	return EXIT_FAILED;
}

static int attach_all(struct creation *creation)
{
	struct config *config = &creation->config;
	unsigned int i;
	struct why why;

	for (i = 0; i < config->count; i++) {
		if (config->specs[i].door)
			continue;
		if (device_add(&creation->store, &config->specs[i], &creation->guest,
			       creation->backends[i].domid,
			       &creation->devices[creation->attached], &why))
			return say_why(EXIT_FAILED, &why);
		creation->attached++;
	}
	return EXIT_OK;
}

static int install_all(struct creation *creation)
{
	struct device chosen[SPEC_MAX_ID + 1];
	unsigned int i, made = 0, count = 0;

	creation->fast = (struct fast){ .store = &creation->store, .guest = &creation->guest,
					.options = &creation->args->fast };
	for (i = 0; i < creation->config.count; i++) {
		if (creation->config.specs[i].door)
			continue;
		if (creation->config.specs[i].fast)
			chosen[count++] = creation->devices[made];
		made++;
	}
	return count ? fast_install(&creation->fast, chosen, count) : EXIT_OK;
}

/* Behind the first devices beside rings: they share the stub domain. */
static int intercept_all(struct creation *creation)
{
	struct config *config = &creation->config;
	struct why why;

	if (!any_trapped(config))
		return EXIT_OK;
	creation->intercept = (struct intercept){ .store = &creation->store,
						  .guest = &creation->guest,
						  .options = &creation->args->fast };
	if (intercept_check(&creation->store, &creation->guest, config->specs, config->count, &why))
		return say_why(EXIT_FAILED, &why);
	return intercept_install(&creation->intercept, config->specs, config->count);
}

static int wait_one(struct creation *creation, struct device *device, unsigned int seconds)
{
	unsigned int limit = creation->args->wait;
	enum wait_end end = wait_for(&creation->store, device, WAIT_READY, seconds);
	struct why why;

	if (end == WAIT_REACHED)
		return EXIT_OK;
	wait_explain(device, WAIT_READY, end, limit, &why);
	say("device %u of guest %s: %s", device->id, creation->config.name, why.text);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* A program that serves a device may need the guest first: only apertured is waited for. */
static int wait_ready(struct creation *creation)
{
	long long end = wait_clock() + creation->args->wait;
	int status = EXIT_OK;
	unsigned int i;

	for (i = 0; i < creation->attached && creation->args->wait && status == EXIT_OK; i++) {
		long long now = wait_clock();

		if (!creation->devices[i].by_program)
			status = wait_one(creation, &creation->devices[i],
					  end > now ? (unsigned int)(end - now) : 0);
	}
	if (status == EXIT_OK && creation->args->wait)
		status = fast_wait(&creation->fast, WAIT_READY, creation->args->wait);
	if (status == EXIT_OK && creation->intercept.count)
		status = intercept_wait(&creation->intercept, creation->args->wait);
	return status;
}

static int run_on_guest(const struct creation *creation, const char *verb)
{
	char domid[16];
	const char *const words[] = { "xl", verb, domid, NULL };
	int status;

	snprintf(domid, sizeof(domid), "%u", creation->guest.domid);
	status = xl_run(words);
	if (status)
		say("xl %s %s failed (status %d)", verb, domid, status);
	return status ? EXIT_FAILED : EXIT_OK;
}

static int unpause(struct creation *creation)
{
	if (wait_interrupted()) {
		say("interrupted by a signal");
		return EXIT_FAILED;
	}
	return run_on_guest(creation, "unpause");
}

/* The guest never ran, so nothing of it is mapped: its devices may go by force. */
static void undo(struct creation *creation)
{
	if (!creation->made)
		return;
	wait_forget_signal();
	if (run_on_guest(creation, "destroy") == EXIT_OK)
		say("guest %s is destroyed again", creation->config.name);
	intercept_undo(&creation->intercept, true);
	fast_undo(&creation->fast);
	removal_run(&creation->store, creation->devices, creation->attached, REMOVAL_WAIT, true);
}

/*
 * What is remembered of an earlier guest is not to come back beside what this file asks for: apertured
 * would attach it as soon as the domain is there. -1: said.
 */
static int set_aside(struct creation *creation)
{
	static const struct remembered none;
	const char *uuid = creation->config.uuid;
	struct why why;

	if (!uuid[0])
		return 0;
	/* A file that cannot be read goes, too. */
	if (remember_read(uuid, &creation->before, &why))
		say("%s", why.text);
	if (remember_write(uuid, &none, &why))
		return say_why(-1, &why);
	return 0;
}

static void put_back(const struct creation *creation)
{
	const char *uuid = creation->uuid[0] ? creation->uuid : creation->config.uuid;
	struct why why;

	if (uuid[0] && remember_write(uuid, &creation->before, &why))
		say_why(EXIT_FAILED, &why);
}

static void remember_all(struct creation *creation)
{
	struct remembered *all = calloc(1, sizeof(*all));
	struct spec spec;
	struct why why;
	unsigned int i;

	why_set(&why, all ? "it has no uuid in xenstore" : "out of memory");
	for (i = 0; all && i < creation->config.count; i++) {
		serving_remember(&creation->config.specs[i], (unsigned int)creation->config.specs[i].id,
				 &creation->backends[i], &spec);
		remember_put(all, &spec, &creation->args->fast);
	}
	if (!all || !uuid_read(&creation->store, creation->guest.domid, creation->uuid) ||
	    remember_write(creation->uuid, all, &why))
		say("the guest will not have its devices after a restart: %s", why.text);
	free(all);
}

static int create(struct creation *creation)
{
	int status;

	wait_catch_signals();
	if (set_aside(creation))
		return EXIT_FAILED;
	status = create_paused(creation);
	if (status == EXIT_OK)
		status = attach_all(creation);
	if (status == EXIT_OK)
		status = install_all(creation);
	if (status == EXIT_OK)
		status = intercept_all(creation);
	if (status == EXIT_OK)
		status = wait_ready(creation);
	if (status == EXIT_OK) {
		remember_all(creation);
		status = unpause(creation);
	}
	if (status != EXIT_OK) {
		undo(creation);
		put_back(creation);
		return status;
	}
	printf("guest %s (%u) runs; its aperture devices:\n", creation->config.name,
	       creation->guest.domid);
	show_devices(&creation->config);
	return EXIT_OK;
}

static int check_limits(const struct creation *creation, struct why *why)
{
	struct plan plan = { .guest = NO_GUEST, .config = &creation->config,
			     .count = creation->config.count, .specs = creation->config.specs,
			     .backends = creation->backends };

	return admission_check(&creation->store, &plan, why);
}

static int check_and_create(struct creation *creation)
{
	struct why why;

	if (!xl_found()) {
		say("there is no xl in PATH: install it (Debian: xen-utils), or correct PATH");
		return EXIT_FAILED;
	}
	if (any_fast(&creation->config) && stub_check(stub_file(&creation->args->fast), &why))
		return say_why(EXIT_USAGE, &why);
	if (find_backends(creation, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (find_made(creation)) {
		say("a domain \"%s\" exists already, number %u: end it, or choose another name",
		    creation->config.name, creation->guest.domid);
		return EXIT_FAILED;
	}
	if (!(creation->args->options & OPTION_UNCHECKED) && check_limits(creation, &why))
		return say_why(EXIT_FAILED, &why);
	return create(creation);
}

static int create_with(struct creation *creation)
{
	struct why why;
	int status;

	if (check_rest(creation->args->rest, &why) ||
	    config_read(creation->path, creation->args->rest, &creation->config, &why) ||
	    check_fast_options(creation->args, any_fast(&creation->config), &why) ||
	    check_trapped_wait(creation->args, any_trapped(&creation->config), &why))
		return say_why(EXIT_USAGE, &why);
	if (creation->args->options & OPTION_DRY_RUN)
		return show_plan(creation);
	status = store_open(&creation->store);
	if (status != EXIT_OK)
		return status;
	status = check_and_create(creation);
	store_close(&creation->store);
	return status;
}

int run_create(const struct args *args)
{
	struct creation *creation = calloc(1, sizeof(*creation));
	int status;

	if (!creation) {
		say("out of memory");
		return EXIT_FAILED;
	}
	creation->args = args;
	creation->path = args->operand[0];
	status = create_with(creation);
	free(creation);
	return status;
}
