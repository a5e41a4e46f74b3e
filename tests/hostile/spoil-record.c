// SPDX-License-Identifier: GPL-2.0-only
/*
 * spoil-record STUB DEVICE older|corrupt: a second device that gives a trapped device's state back to the
 * stub domain with a record that is not what it got: in a slot of its own, under a new generation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/io/apertureif.h>

#define OWN_SLOT	2u	/* of the slow lane's */
#define TRIES		1000	/* the first device may be at work */

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint32_t reference(struct xs_handle *xs, const char *stub, const char *device, unsigned int i)
{
	char path[100], *text;
	unsigned int n;

	snprintf(path, sizeof(path), "/local/domain/%s/device/aperture/%s/record-ref%u", stub, device, i);
	text = xs_read(xs, XBT_NULL, path, &n);
	if (!text)
		die(path);
	return (uint32_t)strtoul(text, NULL, 10);
}

static struct xenapt_record *map_record(const char *stub, const char *device)
{
	struct xs_handle *xs = xs_open(0);
	xengnttab_handle *gnt = xengnttab_open(NULL, 0);
	uint32_t refs[XENAPT_RECORD_PAGES], i;
	struct xenapt_record *record;

	if (!xs || !gnt)
		die("xenstore, gntdev");
	for (i = 0; i < XENAPT_RECORD_PAGES; i++)
		refs[i] = reference(xs, stub, device, i);
	record = xengnttab_map_domain_grant_refs(gnt, XENAPT_RECORD_PAGES, (uint32_t)atoi(stub), refs,
						 PROT_READ | PROT_WRITE);
	if (!record)
		die("the record's pages");
	return record;
}

/* As apertureif.h defines it. */
static uint64_t checksum(struct xenapt_slot *slot)
{
	uint64_t sum = 0, word, at;

	slot->checksum = 0;
	for (at = 0; at < slot->length; at += 8) {
		memcpy(&word, (uint8_t *)slot + at, 8);
		sum += word * (1 + (at / 8 + 1) * 0x9e3779b97f4a7c14ull);
	}
	return sum;
}

static void spoil(struct xenapt_slot *slot, const char *how)
{
	if (!strcmp(how, "older")) {
		slot->state_version = 0;
		slot->checksum = checksum(slot);
	} else {
		slot->state[3] ^= 0x10;
	}
}

int main(int argc, char **argv)
{
	struct xenapt_record *record;
	uint64_t head, next;
	int i;

	if (argc != 4 || (strcmp(argv[3], "older") && strcmp(argv[3], "corrupt"))) {
		fprintf(stderr, "usage: spoil-record STUB DEVICE older|corrupt\n");
		return 2;
	}
	record = map_record(argv[1], argv[2]);
	for (i = 0; i < TRIES; i++) {
		head = __atomic_load_n(&record->head, __ATOMIC_SEQ_CST);
		record->slot[OWN_SLOT] = record->slot[XENAPT_HEAD_SLOT(head)];
		spoil(&record->slot[OWN_SLOT], argv[3]);
		next = XENAPT_HEAD(XENAPT_OWNER_FAST, OWN_SLOT, XENAPT_HEAD_GENERATION(head) + 1);
		if (XENAPT_HEAD_OWNER(head) == XENAPT_OWNER_FAST &&
		    __atomic_compare_exchange_n(&record->head, &head, next, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return 0;
	}
	fprintf(stderr, "spoil-record: the first device never had the state\n");
	return 1;
}
