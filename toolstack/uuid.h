/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uuid.h - the UUID by which a domain is known, whatever its name: who asks xl for one knows it again.
 */
#ifndef TOOL_UUID_H
#define TOOL_UUID_H

#include "store.h"

#define UUID_MAX	40u	/* octets, with the final 0 */

/* A random one, lower case. -1 and the reason. */
int uuid_choose(char uuid[UUID_MAX], struct why *why);

/* That of a domain as xenstore has it, or false. */
bool uuid_read(const struct store *store, unsigned int domid, char uuid[UUID_MAX]);

bool uuid_is_of(const struct store *store, unsigned int domid, const char *uuid);

#endif /* TOOL_UUID_H */
