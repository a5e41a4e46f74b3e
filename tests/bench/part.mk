# SPDX-License-Identifier: GPL-2.0-only
# Programs of the benchmark: what operations and trapped accesses are measured against.

BENCH_BARE := $(addprefix backend/stubdom/,clock.c console.c events.c machine.c memory.c text.c)

# Stub domains that only send events back, and only answer accesses.
ECHO := $(STUB_B)/echo-stub
BENCH_SRCS_echo := $(BENCH_BARE) tests/bench/echo.c
TRAP_ECHO := $(STUB_B)/trap-echo-stub
BENCH_SRCS_trap-echo := $(BENCH_BARE) backend/stubdom/ioreq.c tests/bench/trap-echo.c

# Linked as the stub domain is: the same inlining.
define bench_stub
$(STUB_B)/$(1)-stub: $(call stub_obj,backend/stubdom/boot.S $(BENCH_SRCS_$(1))) $(STUB_LDS)
	$$(call say,LD,$$@)
	$$(Q)$$(STUB_CC) $$(STUB_LTO) $$(STUB_LINK) -Wl,-T,$$(STUB_LDS) -o $$@ $$(filter %.o,$$^)
	$$(Q)objcopy --strip-debug $$@
endef
$(foreach s,echo trap-echo,$(eval $(call bench_stub,$(s))))

# The timer behind ports, by a process in dom0 alone.
TRAP_PROCESS := $(B)/trap-process
$(TRAP_PROCESS): $(call obj,tests/bench/process.c $(DEVICE_SRCS_timer)) $(LIB_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxendevicemodel -lxenforeignmemory $(call pkg,--libs,$(LIB_PKGS)) -o $@

BENCH_FILES := $(ECHO) $(if $(wildcard backend/stubdom/ioreq.c),$(TRAP_ECHO)) $(TRAP_PROCESS)
define bench_stage
$(Q)install -m 644 $(filter %-stub,$(BENCH_FILES)) $(STAGE)/dom0$(stubdir)/
	$(Q)install -m 755 $(TRAP_PROCESS) $(STAGE)/dom0$(bindir)/
endef
