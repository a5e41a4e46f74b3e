/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes of a device's directory, for those who speak xenbus: fast.c, trapped.c. */
#ifndef STUB_NODES_H
#define STUB_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake.h"

#include <xen/io/apertureif.h>

/* "directory/node": good until the next call. */
const char *nodes_join(const char *directory, const char *node);

/* As store_get(). */
const char *nodes_get(const char *directory, const char *node);

/* In transaction t, 0: none. False: said on the console. */
bool nodes_put(uint32_t t, const char *directory, const char *node, const char *value);
bool nodes_put_number(uint32_t t, const char *directory, const char *node, uint64_t value);

enum xapt_bus_state nodes_state(uint32_t t, const char *directory);

/*
 * Write under the condition that the directory is there: the toolstack may remove it at any time, and what
 * is written to it then would bring it back. False: it is gone, or write said no.
 */
bool nodes_transact(const char *directory, bool (*write)(void *device, uint32_t t), void *device);

/* "NAME: text" on the console, behind the device's name, and in its error node if the directory is there. */
void nodes_error(const char *directory, uint32_t guest, uint32_t devid, enum xenapt_status status,
		 const char *text);

#endif
