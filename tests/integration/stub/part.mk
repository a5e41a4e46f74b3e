# SPDX-License-Identifier: GPL-2.0-only
# What the scenarios stub-* need: stub domains with another beginning, and helpers for dom0.

STUB_TESTS := powers traps
STUB_TEST_ELFS := $(patsubst %,$(STUB_B)/%-stub,$(STUB_TESTS))
STUB_BOOT_OBJS := $(filter-out %/start.o,$(STUB_OBJS))
$(STUB_TEST_ELFS): $(STUB_B)/%-stub: $(STUB_B)/tests/integration/stub/%.o $(STUB_BOOT_OBJS) $(STUB_LDS)
	$(call say,LD,$@)
	$(Q)$(CC) $(STUB_LINK) -Wl,-T,$(STUB_LDS) -o $@ $< $(STUB_BOOT_OBJS)
	$(Q)objcopy --strip-debug $@

SET_TARGET := $(B)/set-target
$(SET_TARGET): $(B)/tests/integration/stub/set-target.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxenctrl -o $@

MAKE_SERVER := $(B)/make-server
$(MAKE_SERVER): $(B)/tests/integration/stub/make-server.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxendevicemodel -o $@

STUB_CRASH := $(B)/stub-crash
$(STUB_CRASH): $(B)/tests/integration/stub/crash.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxenctrl -o $@

STUB_RESTART := $(B)/stub-restart
$(STUB_RESTART): $(B)/tests/integration/stub/restart.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxenctrl -o $@

STUB_TEST_FILES := $(STUB_TEST_ELFS) $(SET_TARGET) $(MAKE_SERVER) $(STUB_CRASH) $(STUB_RESTART)
define stub_test_stage
$(Q)install -m 644 $(STUB_TEST_ELFS) $(STAGE)/dom0$(stubdir)/
	$(Q)install -D -m 755 $(SET_TARGET) $(STAGE)/dom0$(bindir)/set-target
	$(Q)install -m 755 $(MAKE_SERVER) $(STAGE)/dom0$(bindir)/make-server
	$(Q)install -m 755 $(STUB_CRASH) $(STAGE)/dom0$(bindir)/stub-crash
	$(Q)install -m 755 $(STUB_RESTART) $(STAGE)/dom0$(bindir)/stub-restart
endef
