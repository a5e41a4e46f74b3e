# SPDX-License-Identifier: GPL-2.0-only
# The parent: what belongs to the library, the daemon and the device plugins.

LIB_SRCS := $(addprefix backend/lib/,api.c connection.c guest.c host_linux.c log.c program.c \
	      stat.c xenbus.c)
LIB_MAP  := backend/lib/xenaperture.map
LIB_PKGS := xengnttab xenevtchn xenstore

DAEMON_SRCS := $(addprefix backend/daemon/,config.c device_dir.c main.c message.c nodes.c output.c \
		 sandbox.c supervisor.c worker.c workers.c)
DAEMON_PKGS := libsystemd libseccomp libcap

# check is the tests' device; it is built with the others and never installed.
DEVICES := mem check
DEVICE_SRCS_mem := backend/devices/mem/mem.c
DEVICE_SRCS_check := tests/integration/peer/check.c
DEVICE_PKGS_check := libgcrypt xengnttab

# Plugins see the daemon's xenaperture_*() only.
$(B)/backend/lib/%.o $(B)/backend/daemon/%.o: CFLAGS += -fvisibility=hidden -D_GNU_SOURCE

# The same device in a plain program.
SERVE := $(B)/aperture-serve
$(SERVE): $(B)/tests/integration/peer/serve.o $(B)/tests/integration/peer/check.o $(B)/libxenaperture.so.1
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) -L$(B) -lxenaperture $(call pkg,--libs,$(DEVICE_PKGS_check)) -o $@
