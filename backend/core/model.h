/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device model as a table: is it sound, and what does an operation name in it? Pure
 * functions of the table and a private copy of the request.
 */
#ifndef XAPT_CORE_MODEL_H
#define XAPT_CORE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <xenaperture_model.h>

/*
 * NULL, or what is wrong with the table. slow: the slow half, NULL: none; &m->fast: this is the
 * first device, which needs none.
 */
const char *xapt_model_wrong(const struct xenaperture_model *m,
			     const struct xenaperture_functions *slow);

/* Octets from 0 to the end of the last register. 0: there is none. */
uint64_t xapt_model_end(const struct xenaperture_model *m);

struct xapt_decoded {
	uint32_t id;		/* of the register, or the command's number */
	uint32_t index;
	uint32_t flags;		/* XENAPERTURE_* */
	uint8_t  width;		/* of the register; 0: a command */
	uint8_t  shift;		/* octets of the access above the register's first one */
};

/* Decode and check as apertureif.h section 9 orders it, but for the range. */
enum xenapt_status xapt_model_decode(const struct xenaperture_model *m,
				     const struct xenapt_operation *op, struct xapt_decoded *d);

/* Spans of registers that do not depend on the state, ascending. Returns how many. */
uint32_t xapt_model_independent(const struct xenaperture_model *m, struct xenapt_span *spans,
				uint32_t room);

#endif
