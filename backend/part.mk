# SPDX-License-Identifier: GPL-2.0-only
# The parent: what belongs to the library, the daemon and the device plugins.

LIB_SRCS := $(addprefix backend/lib/,api.c connection.c domain.c give.c gntalloc.c guest.c host_linux.c kernel.c log.c mapper.c means.c pool.c program.c \
	      stat.c xenbus.c)
LIB_MAP  := backend/lib/xenaperture.map
LIB_PKGS := xengnttab xenevtchn xenstore

DAEMON_SRCS := $(addprefix backend/daemon/,config.c device_dir.c main.c message.c nodes.c output.c \
		 sandbox.c supervisor.c \
		 fault.c files.c gntdev.c keeper.c maps.c wishes.c worker.c workers.c stubs.c watchdog.c destroy.c elsewhere.c maptrack.c means.c returns.c xen.c)
DAEMON_PKGS := libsystemd libseccomp libcap xencontrol xendevicemodel xencall

# The tests' own devices are built with the others and never installed.
TEST_DEVICES := check kcheck span
DEVICES := mem timer uart block $(TEST_DEVICES)
DEVICE_SRCS_mem := backend/devices/mem/mem.c
DEVICE_SRCS_timer := $(addprefix backend/devices/timer/,timer.c timer_slow.c)
DEVICE_SRCS_uart := $(addprefix backend/devices/uart/,uart.c uart_slow.c)
DEVICE_SRCS_check := $(addprefix tests/integration/peer/,check.c check_model.c check_slow.c)
DEVICE_SRCS_block := backend/devices/block/block.c
DEVICE_SRCS_kcheck := tests/integration/peer/kcheck.c
DEVICE_SRCS_span := tests/integration/peer/span.c
DEVICE_PKGS_check := libgcrypt xengnttab

# The models, for the stub domain: freestanding.
FAST_SRCS_timer := backend/devices/timer/timer.c
FAST_SRCS_uart := backend/devices/uart/uart.c

# Plugins see the daemon's xenaperture_*() only.
$(B)/backend/lib/%.o $(B)/backend/daemon/%.o: CFLAGS += -fvisibility=hidden -D_GNU_SOURCE

# The same device in a plain program.
SERVE := $(B)/aperture-serve
$(SERVE): $(patsubst %.c,$(B)/%.o,tests/integration/peer/serve.c $(DEVICE_SRCS_check)) $(B)/libxenaperture.so.1
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) -L$(B) -lxenaperture $(call pkg,--libs,$(DEVICE_PKGS_check)) -o $@
