# SPDX-License-Identifier: GPL-2.0-only
# The device stub domain: the objects of backend/stubdom and the core, compiled for a bare PV kernel, and
# device models. FAST_SRCS_<type> (backend/part.mk): the sources of a type's first device.

STUB_DEVICES := timer uart

stubdir := $(libdir)/xen-aperture/stub
STUB_B  := $(B)/stub
STUB_LDS := backend/stubdom/stub.lds
STUB_SRCS := $(wildcard backend/stubdom/*.c)
STUB_CORE := $(wildcard backend/core/*.c)

# What a device model is compiled with, here and by its author. One processor, no interrupts,
# no floating point, nothing that a library would have to be there for.
STUB_CODE := -O3 -std=gnu11 -ffreestanding -fbuiltin -fno-pic -fno-stack-protector -fcf-protection=none \
	     -fno-asynchronous-unwind-tables -fno-strict-aliasing -mgeneral-regs-only -mno-red-zone \
	     -DXENAPERTURE_STUB
STUB_LINK := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096
STUB_CC   := $(CC) $(STUB_CODE) -g -Wall -Wextra -Werror -fno-tree-loop-distribute-patterns \
	     -Iinclude -Ibackend/core -Ibackend/stubdom -DXENAPERTURE_VERSION='"$(VERSION)"'

# Across files, and generously inline: a call less on each step of the fast path, whatever else the core
# grows by. What a compiler calls by itself stays apart.
STUB_LTO := -flto=2 --param inline-unit-growth=200 --param max-inline-insns-auto=100 --param large-function-growth=1000
$(STUB_B)/backend/stubdom/memory.o: STUB_LTO := -fno-lto

stub_obj = $(patsubst %.S,$(STUB_B)/%.o,$(patsubst %.c,$(STUB_B)/%.o,$(1)))
STUB_OBJS := $(call stub_obj,backend/stubdom/boot.S $(STUB_SRCS) $(STUB_CORE))

$(STUB_B)/%.o: %.c backend/stubdom/part.mk VERSION
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(STUB_CC) $(STUB_LTO) $(DEPFLAGS) -c $< -o $@

$(STUB_B)/%.o: %.S backend/stubdom/part.mk
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(STUB_CC) $(DEPFLAGS) -c $< -o $@

# All but the devices: what the authors of devices link theirs to.
STUB_KIT := $(STUB_B)/stub.o
$(STUB_KIT): $(STUB_OBJS)
	$(call say,LD,$@)
	$(Q)$(STUB_CC) -r -nostdlib $(STUB_LTO) -flinker-output=nolto-rel -o $@ $^
	$(Q)objcopy --strip-debug $@

# The devices of the installed stub domain, for authors who want theirs beside them.
STUB_MODEL_KIT := $(addprefix $(STUB_B)/,$(addsuffix .o,$(STUB_DEVICES)))
define model_kit
$(STUB_B)/$(1).o: $(call stub_obj,$(FAST_SRCS_$(1)))
	$$(call say,LD,$$@)
	$$(Q)$$(STUB_CC) -r -nostdlib $$(STUB_LTO) -flinker-output=nolto-rel -o $$@ $$^
	$$(Q)objcopy --strip-debug $$@
endef
$(foreach d,$(STUB_DEVICES),$(eval $(call model_kit,$(d))))

# stub, object files of devices
define stub_link
	$(call say,LD,$(1))
	$(Q)$(STUB_CC) $(STUB_LTO) $(STUB_LINK) -Wl,-T,$(STUB_LDS) -o $(1).debug $(STUB_OBJS) $(2)
	$(Q)objcopy --strip-debug $(1).debug $(1)
endef

STUB := $(STUB_B)/aperture-stub
STUB_MODELS := $(call stub_obj,$(foreach d,$(STUB_DEVICES),$(FAST_SRCS_$(d))))
$(STUB): $(STUB_OBJS) $(STUB_MODELS) $(STUB_LDS)
	$(call stub_link,$@,$(STUB_MODELS))

# The tests': with their own device.
FAST_SRCS_check := tests/integration/peer/check_model.c
CHECK_STUB := $(STUB_B)/check-stub
CHECK_MODELS := $(STUB_MODELS) $(call stub_obj,$(FAST_SRCS_check))
$(CHECK_STUB): $(STUB_OBJS) $(CHECK_MODELS) $(STUB_LDS)
	$(call stub_link,$@,$(CHECK_MODELS))

# The compiler's options for authors: one file that it reads itself (gcc @FILE).
STUB_FLAGS := $(STUB_B)/flags
$(STUB_FLAGS): backend/stubdom/part.mk FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(STUB_CODE) $(STUB_LINK) -I$(PREFIX)/include -Wl,-T,$(stubdir)/stub.lds $(stubdir)/stub.o' | \
		cmp -s - $@ || printf '%s\n' '$(STUB_CODE) $(STUB_LINK) -I$(PREFIX)/include -Wl,-T,$(stubdir)/stub.lds $(stubdir)/stub.o' >$@

define STUB_INSTALL_LIST
$(STUB) $(stubdir)/aperture-stub 644
$(STUB_KIT) $(stubdir)/stub.o 644
$(foreach o,$(STUB_MODEL_KIT),$(o) $(stubdir)/$(notdir $(o)) 644
)$(STUB_LDS) $(stubdir)/stub.lds 644
$(STUB_FLAGS) $(stubdir)/flags 644
endef
export STUB_INSTALL_LIST
