// SPDX-License-Identifier: GPL-2.0-only
/* Names and errnos of enum xenapt_status. */
#include "frontend.h"

static const struct {
	u32 status;
	int err;
	const char *name;
} table[] = {
	{ XENAPT_OK,		0,		"OK" },
	{ XENAPT_E_MALFORMED,	-EPROTO,	"E_MALFORMED" },
	{ XENAPT_E_UNSUPPORTED,	-EOPNOTSUPP,	"E_UNSUPPORTED" },
	{ XENAPT_E_HANDLE,	-EBADF,		"E_HANDLE" },
	{ XENAPT_E_STATE,	-EBADFD,	"E_STATE" },
	{ XENAPT_E_SIZE_ZERO,	-EINVAL,	"E_SIZE_ZERO" },
	{ XENAPT_E_SIZE_ALIGN,	-EINVAL,	"E_SIZE_ALIGN" },
	{ XENAPT_E_SIZE_MAX,	-EFBIG,		"E_SIZE_MAX" },
	{ XENAPT_E_SIZE_LEAST,	-ERANGE,	"E_SIZE_LEAST" },
	{ XENAPT_E_SIZE,	-EMSGSIZE,	"E_SIZE" },
	{ XENAPT_E_APERTURES,	-EUSERS,	"E_APERTURES" },
	{ XENAPT_E_MAPPED_PAGES, -EDQUOT,	"E_MAPPED_PAGES" },
	{ XENAPT_E_MEMORY,	-ENOMEM,	"E_MEMORY" },
	{ XENAPT_E_GIVEN_PAGES,	-EDQUOT,	"E_GIVEN_PAGES" },
	{ XENAPT_E_DIRECTORY,	-EBADMSG,	"E_DIRECTORY" },
	{ XENAPT_E_GRANT,	-EREMOTEIO,	"E_GRANT" },
	{ XENAPT_E_BUSY,	-EBUSY,		"E_BUSY" },
	{ XENAPT_E_LOST,	-ESTALE,	"E_LOST" },
	{ XENAPT_E_RING,	-EIO,		"E_RING" },
	{ XENAPT_E_NODE,	-EIO,		"E_NODE" },
	{ XENAPT_E_VERSION,	-EPROTONOSUPPORT, "E_VERSION" },
	{ XENAPT_E_DEVICE,	-EIO,		"E_DEVICE" },
	{ XENAPT_E_GONE,	-ENOTCONN,	"E_GONE" },
	{ XENAPT_E_DECLINED,	-EAGAIN,	"E_DECLINED" },
	{ XENAPT_E_TIMEOUT,	-ETIMEDOUT,	"E_TIMEOUT" },
	{ XENAPT_E_REGISTER,	-ENXIO,		"E_REGISTER" },
	{ XENAPT_E_STRADDLE,	-EFAULT,	"E_STRADDLE" },
	{ XENAPT_E_WIDTH,	-EINVAL,	"E_WIDTH" },
	{ XENAPT_E_ACCESS,	-EACCES,	"E_ACCESS" },
	{ XENAPT_E_COMMAND,	-ENOTTY,	"E_COMMAND" },
	{ XENAPT_E_VALUE,	-EINVAL,	"E_VALUE" },
	{ XENAPT_E_RANGE,	-EFAULT,	"E_RANGE" },
	{ XENAPT_E_RECORD,	-EUCLEAN,	"E_RECORD" },
	{ XENAPT_E_RECORD_VERSION, -ESTALE,	"E_RECORD_VERSION" },
	{ XENAPT_E_ADDRESS,	-EFAULT,	"E_ADDRESS" },
};

const char *xen_aperture_status_name(u32 status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].status == status)
			return table[i].name;
	return "E_?";
}
EXPORT_SYMBOL_GPL(xen_aperture_status_name);

int xen_aperture_errno(u32 status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].status == status)
			return table[i].err;
	return -EPROTO;
}
EXPORT_SYMBOL_GPL(xen_aperture_errno);
