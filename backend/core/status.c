// SPDX-License-Identifier: LGPL-2.1-or-later
#include "negotiate.h"

const char *xapt_status_name(uint32_t status)
{
	switch ((enum xenapt_status)status) {
	case XENAPT_OK:			return "OK";
	case XENAPT_E_MALFORMED:	return "E_MALFORMED";
	case XENAPT_E_UNSUPPORTED:	return "E_UNSUPPORTED";
	case XENAPT_E_HANDLE:		return "E_HANDLE";
	case XENAPT_E_STATE:		return "E_STATE";
	case XENAPT_E_SIZE_ZERO:	return "E_SIZE_ZERO";
	case XENAPT_E_SIZE_ALIGN:	return "E_SIZE_ALIGN";
	case XENAPT_E_SIZE_MAX:		return "E_SIZE_MAX";
	case XENAPT_E_SIZE_LEAST:	return "E_SIZE_LEAST";
	case XENAPT_E_SIZE:		return "E_SIZE";
	case XENAPT_E_APERTURES:	return "E_APERTURES";
	case XENAPT_E_MAPPED_PAGES:	return "E_MAPPED_PAGES";
	case XENAPT_E_MEMORY:		return "E_MEMORY";
	case XENAPT_E_GIVEN_PAGES:	return "E_GIVEN_PAGES";
	case XENAPT_E_DIRECTORY:	return "E_DIRECTORY";
	case XENAPT_E_GRANT:		return "E_GRANT";
	case XENAPT_E_BUSY:		return "E_BUSY";
	case XENAPT_E_LOST:		return "E_LOST";
	case XENAPT_E_RING:		return "E_RING";
	case XENAPT_E_NODE:		return "E_NODE";
	case XENAPT_E_VERSION:		return "E_VERSION";
	case XENAPT_E_DEVICE:		return "E_DEVICE";
	case XENAPT_E_GONE:		return "E_GONE";
	case XENAPT_E_DECLINED:	return "E_DECLINED";
	case XENAPT_E_TIMEOUT:		return "E_TIMEOUT";
	case XENAPT_E_REGISTER:	return "E_REGISTER";
	case XENAPT_E_STRADDLE:	return "E_STRADDLE";
	case XENAPT_E_WIDTH:		return "E_WIDTH";
	case XENAPT_E_ACCESS:		return "E_ACCESS";
	case XENAPT_E_COMMAND:		return "E_COMMAND";
	case XENAPT_E_VALUE:		return "E_VALUE";
	case XENAPT_E_RANGE:		return "E_RANGE";
	case XENAPT_E_RECORD:		return "E_RECORD";
	case XENAPT_E_RECORD_VERSION:	return "E_RECORD_VERSION";
	case XENAPT_E_ADDRESS:		return "E_ADDRESS";
	}
	return "E_?";
}
