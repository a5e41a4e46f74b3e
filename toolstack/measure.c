/* SPDX-License-Identifier: GPL-2.0-only */
#define __XEN_TOOLS__ 1
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <libxl.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "measure.h"
#include "parse.h"
#include "quiet.h"
#include "serving.h"
#include "statfile.h"
#include "trapped.h"

#define PORTS_DEFAULT	1023u		/* what xl gives a guest */
#define FRAMES_DEFAULT	64u		/* Xen's own */
#define MAPTRACK_DEFAULT 1024u
#define NODES_DEFAULT	1000u		/* of both xenstore daemons */
#define WATCHES_DEFAULT	128u
#define TRANSACTIONS_DEFAULT 10u
#define GRANTS_ENTRY	8u		/* octets, version 1 */
#define GRANTS_KIND	3u
#define OXENSTORED_CONF	"/etc/xen/oxenstored.conf"
#define DEPTH_MAX	12u
#define DOMAIN0_PORTS	131071u		/* what Linux has there: FIFO event channels */

struct measure {
	xc_interface *xc;
	xenforeignmemory_handle *memory;
	libxl_ctx *xl;
};

struct measure *measure_open(void)
{
	struct measure *measure = calloc(1, sizeof(*measure));

	if (!measure)
		return NULL;
	measure->xc = xc_interface_open(quiet(), quiet(), 0);
	if (!measure->xc) {
		free(measure);
		return NULL;
	}
	measure->memory = xenforeignmemory_open(quiet(), 0);
	if (libxl_ctx_alloc(&measure->xl, LIBXL_VERSION, 0, quiet()))
		measure->xl = NULL;
	return measure;
}

void measure_close(struct measure *measure)
{
	if (!measure)
		return;
	if (measure->xl)
		libxl_ctx_free(measure->xl);
	if (measure->memory)
		xenforeignmemory_close(measure->memory);
	xc_interface_close(measure->xc);
	free(measure);
}

/* Every octet is 0xff, and so NOT_KNOWN; then what is no amount. */
void facts_clear(struct facts *facts)
{
	memset(facts, 0xff, sizeof(*facts));
	facts->guest = NO_GUEST;
	facts->backend = 0;
	facts->serves_already = false;
	facts->stub_there = false;
	facts->entries_a_page = 1;
	facts->guest_entries_a_page = 1;
}

/* ---- small files ---- */

static bool read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(text, 1, size - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	return length;
}

/* The number behind key, or the default. */
static uint64_t number_after(const char *text, const char *key, uint64_t otherwise)
{
	const char *found = strstr(text, key);

	return found && isdigit((unsigned char)found[strlen(key)]) ?
	       strtoull(found + strlen(key), NULL, 0) : otherwise;
}

static uint64_t parameter(const char *path)
{
	char text[32];

	return read_text(path, text, sizeof(text)) ? strtoull(text, NULL, 10) : NOT_KNOWN;
}

/* ---- the machine ---- */

static bool runs_oxenstored(void)
{
	DIR *all = opendir("/proc");
	struct dirent *entry;
	char path[300], name[32];
	bool found = false;

	while (all && !found && (entry = readdir(all))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		found = read_text(path, name, sizeof(name)) && !strcmp(name, "oxenstored\n");
	}
	if (all)
		closedir(all);
	return found;
}

/* A line "key = number", not a comment. */
static uint64_t setting(const char *text, const char *key, uint64_t otherwise)
{
	size_t length = strlen(key);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length))
			continue;
		line += length;
		line += strspn(line, " \t=");
		if (isdigit((unsigned char)*line))
			return strtoull(line, NULL, 10);
	}
	return otherwise;
}

static void measure_quotas(struct facts *facts)
{
	static char text[16384];

	facts->nodes = NODES_DEFAULT;
	facts->watches = WATCHES_DEFAULT;
	facts->transactions = TRANSACTIONS_DEFAULT;
	if (!runs_oxenstored() || !read_text(OXENSTORED_CONF, text, sizeof(text)))
		return;
	facts->nodes = setting(text, "quota-maxentity", NODES_DEFAULT);
	facts->watches = setting(text, "quota-maxwatch", WATCHES_DEFAULT);
	facts->transactions = setting(text, "quota-transaction", TRANSACTIONS_DEFAULT);
}

static bool command_line(struct measure *measure, char *line, size_t size)
{
	xen_commandline_t text;

	line[0] = '\0';
	if (!measure || xc_version(measure->xc, XENVER_commandline, &text) < 0)
		return false;
	snprintf(line, size, " %.*s", (int)sizeof(text), text);
	return true;
}

void measure_host(struct measure *measure, struct facts *facts)
{
	char line[sizeof(xen_commandline_t) + 2];
	xc_physinfo_t info;

	if (command_line(measure, line, sizeof(line))) {
		facts->boot_frames = number_after(line, " gnttab_max_frames=", FRAMES_DEFAULT);
		facts->boot_maptrack = number_after(line, " gnttab_max_maptrack_frames=",
						    MAPTRACK_DEFAULT);
	}
	measure_quotas(facts);
	if (measure && !xc_physinfo(measure->xc, &info))
		facts->host_memory = info.free_pages * XC_PAGE_SIZE;
}

/* ---- the guest ---- */

/* Mapped read-only, for a moment. */
static uint64_t count_grants(struct measure *measure, unsigned int guest, unsigned long frames)
{
	xenforeignmemory_resource_handle *table;
	uint64_t count = 0;
	size_t i;
	void *at = NULL;

	if (!measure->memory || !frames)
		return NOT_KNOWN;
	table = xenforeignmemory_map_resource(measure->memory, (domid_t)guest,
					      XENMEM_resource_grant_table,
					      XENMEM_resource_grant_table_id_shared, 0, frames,
					      &at, PROT_READ, 0);
	if (!table)
		return NOT_KNOWN;
	for (i = 0; i < frames * XC_PAGE_SIZE; i += GRANTS_ENTRY)
		count += (*(const volatile uint16_t *)((const char *)at + i) & GRANTS_KIND) != 0;
	xenforeignmemory_unmap_resource(measure->memory, table);
	return count;
}

static void measure_grants(struct measure *measure, struct facts *facts)
{
	struct gnttab_query_size query = { .dom = (domid_t)facts->guest };

	if (xc_gnttab_query_size(measure->xc, &query) || query.status != GNTST_okay)
		return;
	facts->frames = query.max_nr_frames;
	facts->frames_used = query.nr_frames;
	facts->grants_used = count_grants(measure, facts->guest, query.nr_frames);
}

/* Of the first most ports of a domain. */
static uint64_t count_ports(struct measure *measure, unsigned int domid, uint64_t most)
{
	xc_evtchn_status_t status = { .dom = (domid_t)domid };
	uint64_t port, used = 0;

	for (port = 1; port <= most; port++) {
		status.port = (evtchn_port_t)port;
		if (xc_evtchn_status(measure->xc, &status) < 0)
			break;
		used += status.status != EVTCHNSTAT_closed;
	}
	return port > 1 ? used : NOT_KNOWN;
}

/* What xl was told when it made the domain. */
static bool xl_config(struct measure *measure, unsigned int domid, libxl_domain_config *config)
{
	libxl_domain_config_init(config);
	if (measure->xl && !libxl_retrieve_domain_configuration(measure->xl, domid, config, NULL))
		return true;
	libxl_domain_config_dispose(config);
	return false;
}

static void measure_configured(struct measure *measure, struct facts *facts)
{
	libxl_domain_config config;

	facts->ports = PORTS_DEFAULT;
	facts->guest_maptrack = facts->boot_maptrack;
	if (!xl_config(measure, facts->guest, &config))
		return;
	if (config.b_info.event_channels)
		facts->ports = config.b_info.event_channels;
	if (config.b_info.max_maptrack_frames != UINT32_MAX)
		facts->guest_maptrack = config.b_info.max_maptrack_frames;
	facts->guest_entries_a_page = config.c_info.type == LIBXL_DOMAIN_TYPE_PV ? 2 : 1;
	libxl_domain_config_dispose(&config);
}

static void measure_memory(struct measure *measure, struct facts *facts)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfolist(measure->xc, facts->guest, 1, &info) == 1 &&
	    info.domain == facts->guest) {
		facts->memory = info.tot_pages * XC_PAGE_SIZE;
		facts->vcpus = info.max_vcpu_id + 1;
	}
}

bool measure_paused(struct measure *measure, unsigned int domid)
{
	xc_domaininfo_t info;

	return measure && xc_domain_getinfolist(measure->xc, domid, 1, &info) == 1 &&
	       info.domain == domid && info.flags & XEN_DOMINF_paused;
}

/* Nodes at and below path that the domain owns. */
static uint64_t count_nodes(const struct store *store, const char *path, unsigned int owner,
			    unsigned int depth)
{
	struct xs_permissions *perms;
	unsigned int count, i;
	uint64_t sum = 0;
	char below[STORE_PATH_MAX], **names;

	perms = xs_get_permissions(store->xs, store->transaction, path, &count);
	sum += perms && count && perms[0].id == owner;
	free(perms);
	if (depth == DEPTH_MAX)
		return sum;
	names = store_directory(store, &count, "%s", path);
	for (i = 0; i < count; i++)
		if (snprintf(below, sizeof(below), "%s/%s", path, names[i]) < (int)sizeof(below))
			sum += count_nodes(store, below, owner, depth + 1);
	free(names);
	return sum;
}

static uint64_t nodes_of(const struct store *store, unsigned int domid)
{
	char path[48];

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	return count_nodes(store, path, domid, 0);
}

void measure_guest(struct measure *measure, const struct store *store, unsigned int guest,
		   struct facts *facts)
{
	unsigned int count;

	facts->guest = guest;
	facts->nodes_used = nodes_of(store, guest);
	free(store_directory(store, &count, "/local/domain/%u/device/" XENAPT_DEVICE_KIND, guest));
	facts->devices_used = count;
	free(store_directory(store, &count, TRAPPED_LIST, guest));
	facts->devices_used += count;
	facts->trapped_used = count;
	if (!measure)
		return;
	measure_grants(measure, facts);
	measure_configured(measure, facts);
	facts->ports_used = count_ports(measure, facts->guest, facts->ports);
	measure_memory(measure, facts);
}

void measure_stub(struct measure *measure, const struct store *store, unsigned int stub,
		  struct facts *facts)
{
	unsigned int count;

	free(store_directory(store, &count, "/local/domain/%u/backend/" XENAPT_DEVICE_KIND "/%u", stub,
			     facts->guest));
	facts->stub_lanes_used = count;
	if (measure)
		facts->stub_ports_used = count_ports(measure, stub, PORTS_DEFAULT);
}

/* ---- who serves ---- */

static void measure_stats(struct facts *facts)
{
	struct statfiles files;
	unsigned int i;
	struct why why;

	if (statfiles_read(XENAPERTURE_RUN, STATFILE_ANY, STATFILE_ANY, &files, &why))
		return;
	facts->mapped = 0;
	facts->policy_pages_used = 0;
	facts->given_used = 0;
	facts->given_total_used = 0;
	for (i = 0; i < files.count; i++) {
		const struct xenaperture_stat *stat = &files.stats[i];

		facts->mapped += stat->mapped_pages;
		if (stat->total_max) {
			facts->policy_total = stat->total_max;
			facts->policy_total_used = stat->total_pages;
		}
		/* All devices of a guest say the same of it. */
		if (!i || files.stats[i - 1].domid != stat->domid)
			facts->given_total_used += stat->pool_pages * XC_PAGE_SIZE;
		if (stat->domid != facts->guest)
			continue;
		facts->serves_already |= stat->worker > 0;
		facts->policy_pages_used = stat->guest_pages;
		facts->given_used = stat->pool_pages * XC_PAGE_SIZE;
	}
	statfiles_free(&files);
}

static uint64_t available(void)
{
	char text[4096];
	const char *found;

	if (!read_text("/proc/meminfo", text, sizeof(text)))
		return NOT_KNOWN;
	found = strstr(text, "MemAvailable:");
	return found ? strtoull(found + 13, NULL, 10) << 10 : NOT_KNOWN;
}

/* Of its own. How much of domain 0's grant table is in use Xen does not show. */
static void measure_tables(struct measure *measure, uint64_t ports, struct facts *facts)
{
	struct gnttab_query_size query = { .dom = (domid_t)facts->backend };

	facts->parent_ports = ports;
	if (!measure)
		return;
	facts->parent_ports_used = count_ports(measure, facts->backend, ports);
	if (xc_gnttab_query_size(measure->xc, &query) || query.status != GNTST_okay)
		return;
	facts->parent_frames = query.max_nr_frames;
	if (facts->backend)
		facts->parent_grants_used = count_grants(measure, facts->backend, query.nr_frames);
}

static void measure_domain0(struct measure *measure, struct facts *facts)
{
	char type[16];

	facts->maptrack = facts->boot_maptrack;
	if (!read_text("/sys/hypervisor/guest_type", type, sizeof(type)) || !strcmp(type, "PV\n"))
		facts->entries_a_page = 2;
	measure_stats(facts);
	measure_policy(facts);
	facts->parent_memory = available();
	facts->parent_grants_used = facts->given_total_used == NOT_KNOWN ? NOT_KNOWN :
				    facts->given_total_used / XC_PAGE_SIZE;
	measure_tables(measure, DOMAIN0_PORTS, facts);
	facts->gntdev_limit = parameter("/sys/module/xen_gntdev/parameters/limit");
	facts->gntalloc_limit = parameter("/sys/module/xen_gntalloc/parameters/limit");
}

static void measure_driver(struct measure *measure, const struct store *store,
			   struct facts *facts)
{
	char policy[POLICY_TEXT];
	libxl_domain_config config;
	uint64_t ports = PORTS_DEFAULT;
	xc_domaininfo_t info;

	facts->parent_nodes_used = nodes_of(store, facts->backend);
	facts->maptrack = facts->boot_maptrack;
	if (store_read(store, policy, sizeof(policy), SERVING_LIMITS, facts->backend))
		policy_parse(policy, facts);
	if (measure && xl_config(measure, facts->backend, &config)) {
		facts->entries_a_page = config.c_info.type == LIBXL_DOMAIN_TYPE_PV ? 2 : 1;
		if (config.b_info.max_maptrack_frames != UINT32_MAX)
			facts->maptrack = config.b_info.max_maptrack_frames;
		if (config.b_info.event_channels)
			ports = config.b_info.event_channels;
		libxl_domain_config_dispose(&config);
	}
	measure_tables(measure, ports, facts);
	if (measure && xc_domain_getinfolist(measure->xc, facts->backend, 1, &info) == 1 &&
	    info.domain == facts->backend)
		facts->parent_memory = info.tot_pages * XC_PAGE_SIZE;
}

void measure_parent(struct measure *measure, const struct store *store, unsigned int backend,
		    struct facts *facts)
{
	facts->backend = backend;
	if (backend)
		measure_driver(measure, store, facts);
	else
		measure_domain0(measure, facts);
}
