/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict parsing of what a peer or an administrator wrote as text.
 *
 * The grammar is that of apertureif.h section 2: decimal digits only, no sign,
 * space, prefix or leading zero, within the range. Nothing is guessed.
 */
#ifndef XAPT_CORE_PARSE_H
#define XAPT_CORE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True and *value set, or false and *value untouched. text may be NULL: false. */
bool xapt_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);
bool xapt_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *value);

/*
 * A list of versions: "1" or "1,2,5", ascending, each 1..65535, at most
 * XENAPT_MAX_VERSIONS. Returns how many, 0 if the text is not such a list.
 */
size_t xapt_parse_versions(const char *text, uint16_t *versions);

/* A device type: 1..31 characters a-z 0-9 -, first a letter. */
bool xapt_parse_type(const char *text);

#endif
