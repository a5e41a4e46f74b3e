/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of an aperture at the parent, apertureif.h section 5: one function a
 * request. Each checks everything first, then acts, then fills in status, value and
 * (open) handle and slot of the response. Internal to the core.
 */
#ifndef XAPT_CORE_APERTURE_H
#define XAPT_CORE_APERTURE_H

#include "device.h"

void xapt_aperture_open(struct xapt_device *d, const struct xenapt_open *q,
			struct xenapt_response *r);
void xapt_aperture_offer(struct xapt_device *d, const struct xenapt_offer *q,
			 struct xenapt_response *r);
void xapt_aperture_map(struct xapt_device *d, uint64_t handle, struct xenapt_response *r);
void xapt_aperture_withdraw(struct xapt_device *d, uint64_t handle, struct xenapt_response *r);
void xapt_aperture_release(struct xapt_device *d, uint64_t handle, struct xenapt_response *r);

/* Mapped memory of a handle, offset and length inside it and length not 0; else NULL. */
void *xapt_aperture_range(struct xapt_device *d, uint64_t handle, uint64_t offset,
			  uint32_t length);

/* The connection ends: unmap, free, forget, whatever the state. */
void xapt_aperture_drop(struct xapt_device *d, unsigned int slot);

#endif
