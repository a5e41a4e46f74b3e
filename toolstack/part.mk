# SPDX-License-Identifier: GPL-2.0-only
TOOL_SRCS := $(addprefix toolstack/,main.c args.c say.c spec.c address.c quiet.c target.c trapped.c intercept.c store.c device.c change.c wait.c \
	     uuid.c stub.c fast.c renew.c halves.c removal.c table.c json.c listed.c config.c xl.c serving.c remember.c statfile.c \
	     cmd_install.c limits.c measure.c policy.c admission.c cmd_check.c cmd_attach.c cmd_again.c cmd_detach.c cmd_list.c cmd_stat.c cmd_create.c) backend/daemon/config.c
$(B)/toolstack/%.o: CFLAGS += -DXENAPERTURE_STUB_FILE='"$(libdir)/xen-aperture/stub/aperture-stub"'
TOOL_PKGS := xencontrol xenforeignmemory xendevicemodel xlutil xenlight xentoollog xenstore json-c
