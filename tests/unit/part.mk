# SPDX-License-Identifier: GPL-2.0-only
#
# make unit: every unit test and fuzz target. A program is a list of sources; the plain
# one is linked from the very objects of the product, the others are compiled again.
#
#   plain   all but fuzz targets
#   asan    address and undefined behaviour; not where coroutines change stacks
#   tsan    two threads, with barriers that the sanitizer understands

U := tests/unit
UNIT_CHECK := $(U)/check.c
UNIT_FAKE := $(wildcard $(U)/fake/*.c)
unit_core = $(patsubst %,backend/core/%.c,$(1))
unit_tool = $(patsubst %,toolstack/%.c,$(1))

UNIT_SRCS_test_parse := $(call unit_core,parse)
UNIT_SRCS_test_negotiate := $(call unit_core,negotiate parse status)
UNIT_SRCS_test_directory := $(call unit_core,directory)
UNIT_SRCS_test_ring := $(UNIT_FAKE) $(CORE_SRCS)
UNIT_SRCS_test_signals := $(call unit_core,signals)
UNIT_SRCS_test_device := $(UNIT_FAKE) $(CORE_SRCS)
UNIT_SRCS_test_owner := $(UNIT_FAKE) $(CORE_SRCS)
UNIT_SRCS_test_admission := $(UNIT_FAKE) $(CORE_SRCS)
UNIT_SRCS_test_handshake := $(UNIT_FAKE) $(CORE_SRCS)
UNIT_SRCS_test_contract :=
UNIT_SRCS_test_interleavings := $(U)/explore.c
UNIT_SRCS_test_child := $(call unit_core,child child_handshake handshake ring signals)
UNIT_SRCS_test_threads := $(call unit_core,ring signals)
UNIT_SRCS_test_tool_spec := $(call unit_tool,spec address say) $(call unit_core,parse status)
UNIT_SRCS_test_tool_stat := $(call unit_tool,statfile store say) $(U)/tool_xenstore.c \
			    $(call unit_core,parse status)
UNIT_SRCS_test_tool_device := $(call unit_tool,spec address device store change wait removal say) \
			      $(U)/tool_xenstore.c $(call unit_core,parse status)
UNIT_SRCS_test_tool_fast := $(call unit_tool,spec address device store change wait removal say uuid stub fast renew remember serving trapped intercept) \
			    $(U)/tool_xenstore.c $(call unit_core,parse status)
UNIT_SRCS_test_tool_trapped := $(UNIT_SRCS_test_tool_fast)
UNIT_SRCS_test_tool_limits := backend/daemon/config.c $(call unit_tool,limits policy spec address say table) $(call unit_core,parse status)
UNIT_SRCS_test_tool_remember := $(call unit_tool,remember uuid serving spec address store say wait device) \
				$(U)/tool_xenstore.c $(call unit_core,parse status)
UNIT_SRCS_test_xenbus := backend/lib/xenbus.c backend/lib/log.c backend/lib/stat.c \
			 $(U)/tool_xenstore.c $(call unit_core,handshake negotiate parse status)
UNIT_SRCS_test_daemon := $(addprefix backend/daemon/,config.c maptrack.c means.c message.c) backend/lib/means.c $(call unit_core,parse)

UNIT_SRCS_test_workers := $(addprefix backend/daemon/,config.c nodes.c workers.c files.c maps.c wishes.c message.c elsewhere.c keeper.c) \
			  $(addprefix backend/lib/,give.c pool.c xenbus.c log.c stat.c) \
			  $(U)/tool_xenstore.c $(call unit_core,directory handshake negotiate parse status)
UNIT_SRCS_test_stubs := backend/daemon/stubs.c backend/daemon/watchdog.c \
			$(addprefix backend/lib/,xenbus.c log.c stat.c) $(U)/tool_xenstore.c \
			$(call unit_core,handshake negotiate parse status)
UNIT_SRCS_test_returns := backend/daemon/returns.c $(addprefix backend/lib/,xenbus.c log.c stat.c) \
			  $(U)/tool_xenstore.c $(call unit_core,handshake negotiate parse status)
UNIT_SRCS_test_connection := $(addprefix backend/lib/,api.c connection.c give.c gntalloc.c guest.c host_linux.c kernel.c log.c mapper.c means.c pool.c \
			     stat.c) $(CORE_SRCS)
UNIT_SRCS_test_pool := $(addprefix backend/lib/,give.c means.c pool.c log.c) $(call unit_core,directory)
UNIT_SRCS_test_kernel := backend/lib/kernel.c backend/lib/log.c
UNIT_SRCS_test_access := $(call unit_core,access)
UNIT_SRCS_test_model := $(call unit_core,model parse)
UNIT_SRCS_test_record :=
UNIT_SRCS_test_door := $(call unit_core,access operations model parse)
UNIT_SRCS_test_store :=
UNIT_SRCS_test_operations := $(addprefix backend/devices/timer/,timer.c timer_slow.c) \
			     $(call unit_core,operations model parse)
UNIT_SRCS_test_timer := $(addprefix backend/devices/timer/,timer.c timer_slow.c) \
			$(call unit_core,model parse)
UNIT_SRCS_test_uart := $(addprefix backend/devices/uart/,uart.c uart_slow.c) $(call unit_core,model parse)
UNIT_SRCS_test_sandbox := backend/daemon/sandbox.c backend/lib/log.c
UNIT_LIBS_test_workers := -lsystemd
UNIT_LIBS_fuzz_stub := -Wl,--wrap=loop_turn
UNIT_LIBS_test_sandbox := -lseccomp -lcap

UNIT_TESTS := test_parse test_negotiate test_directory test_ring test_signals test_device \
	      test_handshake test_contract test_tool_spec test_tool_stat test_tool_device test_xenbus test_daemon \
	      test_workers test_connection test_kernel test_sandbox test_stubs test_tool_fast test_access test_model test_record test_operations test_timer test_uart \
	      test_owner test_child test_door test_store test_pool test_returns test_admission test_tool_limits test_tool_remember test_tool_trapped
UNIT_PLAIN := $(UNIT_TESTS) test_interleavings test_threads
UNIT_ASAN := $(UNIT_TESTS)
UNIT_TSAN := test_threads
TSAN_FLAGS := -include $(U)/tsan_barrier.h

# Fuzz target and number of inputs.
FUZZ := fuzz_directory:10000 fuzz_nodes:100000 fuzz_ring:3000 fuzz_record:20000 fuzz_spec:50000 fuzz_stub:3000
FUZZ_SRCS_fuzz_directory := $(UNIT_FAKE) $(CORE_SRCS)
FUZZ_SRCS_fuzz_nodes := $(call unit_core,negotiate parse status)
FUZZ_SRCS_fuzz_ring := $(UNIT_FAKE) $(CORE_SRCS)
FUZZ_SRCS_fuzz_record := $(CORE_SRCS) $(addprefix backend/devices/timer/,timer.c timer_slow.c)
FUZZ_SRCS_fuzz_stub := $(addprefix tests/fuzz/stub/,store.c trapped.c xen.c) $(CORE_SRCS) $(FAST_SRCS_timer) \
		       $(FAST_SRCS_check) $(addprefix backend/stubdom/,clock.c console.c door.c events.c \
		       fast.c granting.c grants.c guest_memory.c ioreq.c journal.c lane.c loop.c models.c nodes.c places.c slow.c text.c \
		       trapped.c xenstore.c)
FUZZ_SRCS_fuzz_spec := $(call unit_tool,spec address say) $(call unit_core,parse status)

UNIT_OBJ_plain := $(B)
UNIT_OBJ_asan := $(B)/asan
UNIT_OBJ_tsan := $(B)/tsan
UNIT_LINK_asan := -fsanitize=address,undefined
UNIT_LINK_tsan := -fsanitize=thread

$(B)/asan/tests/fuzz/%.o: UNIT_CPPFLAGS += -DFUZZ_MAIN
$(B)/asan/backend/stubdom/%.o $(B)/asan/tests/fuzz/stub/%.o $(B)/asan/tests/fuzz/fuzz_stub.o \
$(foreach t,door store,$(B)/tests/unit/test_$(t).o $(B)/asan/tests/unit/test_$(t).o): UNIT_CPPFLAGS += \
	-DSTUB_HOSTED -Ibackend/stubdom -DXENAPERTURE_VERSION='"$(VERSION)"'

$(B)/asan/backend/lib/%.o $(B)/asan/backend/daemon/%.o $(B)/asan/tests/unit/test_xenbus.o \
$(patsubst %,$(B)/asan/tests/unit/test_%.o,daemon workers connection kernel sandbox stubs pool returns): UNIT_CPPFLAGS += \
	-D_GNU_SOURCE -Ibackend/lib -DXENAPERTURE_DEVICES='"/devices"' -DXENAPERTURE_RUN='"/run/xen-aperture"'

$(B)/asan/toolstack/policy.o: UNIT_CPPFLAGS += -DXENAPERTURE_SYSCONF='"/etc"'

# variant, program, sources, arguments
define unit_program
$(B)/unit/$(1)/$(2): $$(patsubst %.c,$$(UNIT_OBJ_$(1))/%.o,$(3))
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_LINK_$(1)) $$(LDFLAGS) $$^ -lcunit -lpthread $$(UNIT_LIBS_$(2)) -o $$@

unit-run: unit-$(1)-$(2)
.PHONY: unit-$(1)-$(2)
unit-$(1)-$(2): $(B)/unit/$(1)/$(2)
	@timeout 120 $$< $(4) >$$<.log 2>&1 && sed 's/^ok - /ok - $(1) /' $$<.log || \
		{ cat $$<.log; echo 'not ok - $(1) $(2): it is $$<'; exit 1; }
endef

unit_rule = $(eval $(call unit_program,$(1),$(2),$(U)/$(2).c $(UNIT_CHECK) $(UNIT_SRCS_$(2)),))
fuzz_rule = $(eval $(call unit_program,asan,$(1),tests/fuzz/$(1).c $(FUZZ_SRCS_$(1)),$(2)))

$(foreach t,$(UNIT_PLAIN),$(call unit_rule,plain,$(t)))
$(foreach t,$(UNIT_ASAN),$(call unit_rule,asan,$(t)))
$(foreach t,$(UNIT_TSAN),$(call unit_rule,tsan,$(t)))
$(foreach f,$(FUZZ),$(call fuzz_rule,$(firstword $(subst :, ,$(f))),$(lastword $(subst :, ,$(f)))))

fuzz: $(foreach f,$(FUZZ),$(B)/unit/asan/$(firstword $(subst :, ,$(f))))
	@for f in $(subst :,=,$(FUZZ)); do \
		echo "$${f%=*}: seed $(SEED)"; \
		$(B)/unit/asan/$${f%=*} $$(($${f#*=} * 20)) $(SEED) || exit 1; done
.PHONY: fuzz

unit-run: unit-headers unit-cli unit-calls
.PHONY: unit-run unit-headers unit-cli unit-calls unit check-barriers
unit-headers:
	@CC='$(CC)' $(U)/headers.sh
# TOOL is not set yet where this file is read.
unit-cli: $(B)/xen-aperture
	@$(U)/cli.sh $(TOOL) toolstack
CALLERS := $(addprefix $(B)/,apertured xen-aperture $(SONAME) $(patsubst %,devices/%.so,$(DEVICES)))
unit-calls: $(STUB) $(CALLERS)
	@$(U)/calls $(STUB) $(CALLERS)

unit:
	@$(MAKE) --no-print-directory -s -k -j$$(nproc) --output-sync=target unit-run
	@echo 'all unit tests passed'

# Each barrier of the ring left out in turn: the thread test notices.
check-barriers:
	@CC='$(CC)' $(U)/barriers-matter.sh
