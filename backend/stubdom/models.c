// SPDX-License-Identifier: GPL-2.0-only
#include "models.h"

#include "model.h"
#include "text.h"

/* Made by XENAPERTURE_FAST_DEVICE(), put in a row by the linker. */
extern const struct xenaperture_model *const __start_xenaperture_fast[];
extern const struct xenaperture_model *const __stop_xenaperture_fast[];

const struct xenaperture_model *models_find(const char *type, const char **why)
{
	const struct xenaperture_model *const *m;

	for (m = __start_xenaperture_fast; m < __stop_xenaperture_fast; m++) {
		if (strcmp((*m)->type, type))
			continue;
		*why = xapt_model_wrong(*m, &(*m)->fast);
		return *why ? NULL : *m;
	}
	*why = "this stub domain has no such device";
	return NULL;
}
