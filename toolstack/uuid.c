/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "uuid.h"

/* As RFC 4122 has it. */
int uuid_choose(char uuid[UUID_MAX], struct why *why)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return why_set(why, "no random number for the domain's uuid: %s", strerror(errno));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(uuid, UUID_MAX,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	return 0;
}

static bool is_uuid(const char *text)
{
	size_t length = strspn(text, "0123456789abcdef-");

	return length && !text[length] && length < UUID_MAX;
}

bool uuid_read(const struct store *store, unsigned int domid, char uuid[UUID_MAX])
{
	char vm[UUID_MAX + 8];

	if (!store_read(store, vm, sizeof(vm), "/local/domain/%u/vm", domid) ||
	    strncmp(vm, "/vm/", 4) || !is_uuid(vm + 4))
		return false;
	strcpy(uuid, vm + 4);
	return true;
}

bool uuid_is_of(const struct store *store, unsigned int domid, const char *uuid)
{
	char own[UUID_MAX];

	return uuid_read(store, domid, own) && !strcmp(own, uuid);
}
