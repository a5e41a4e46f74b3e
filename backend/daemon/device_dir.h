/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of device plugins. It, every folder above it, and each file must belong
 * to root and be writable by root alone; the file's name is the device's type, which
 * came from the toolstack and was checked to be letters, digits and '-'.
 */
#ifndef DAEMON_DEVICE_DIR_H
#define DAEMON_DEVICE_DIR_H

#include <xenaperture.h>

/* The table of <folder>/<type>.so, loaded once. NULL with xapt_error(). */
const struct xenaperture_table *device_dir_load(const char *folder, const char *type);

#endif
