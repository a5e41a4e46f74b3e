/* SPDX-License-Identifier: GPL-2.0-only */
/* The device models that are linked into this stub domain. */
#ifndef STUB_MODELS_H
#define STUB_MODELS_H

#include <xenaperture_model.h>

/* NULL with the reason in *why. */
const struct xenaperture_model *models_find(const char *type, const char **why);

#endif
