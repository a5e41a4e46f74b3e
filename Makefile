# SPDX-License-Identifier: GPL-2.0-only
#
# xen-aperture: `make help` lists the targets. V=1 shows every command.

VERSION   := $(shell cat VERSION)
PREFIX    ?= /usr/local
SYSCONF   ?= /etc
RUNDIR    ?= /run/xen-aperture
STATEDIR  ?= /var/lib/xen-aperture
DESTDIR   ?=
CC        ?= gcc
B         := build
SONAME    := libxenaperture.so.1

bindir    := $(PREFIX)/bin
sbindir   := $(PREFIX)/sbin
libdir    := $(PREFIX)/lib
devdir    := $(libdir)/xen-aperture/devices
mandir    := $(PREFIX)/share/man
srcdir    := $(if $(filter /usr/local,$(PREFIX)),/usr/src,$(PREFIX)/src)/xen-aperture-$(VERSION)
parentdir := $(dir $(srcdir))xen-aperture-parent-$(VERSION)
unitdir   := $(libdir)/systemd/system

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2) >&2
endif

CSTD      := -std=gnu11 -Wall -Wextra -Werror -fno-strict-aliasing
OPT       ?= -O2 -g
HARDEN    := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CPPFLAGS  += -Iinclude -Ibackend/core -Ibackend/lib -DXENAPERTURE_VERSION='"$(VERSION)"' \
	     -DXENAPERTURE_DEVICES='"$(devdir)"' -DXENAPERTURE_SYSCONF='"$(SYSCONF)/xen-aperture"' \
	     -DXENAPERTURE_RUN='"$(RUNDIR)"' -DXENAPERTURE_STATE='"$(STATEDIR)"'
DEPFLAGS  := -MMD -MP
LDFLAGS   += -Wl,-z,relro,-z,now

.DEFAULT_GOAL := all

CORE_SRCS := $(wildcard backend/core/*.c)

include backend/part.mk
include toolstack/part.mk
include backend/stubdom/part.mk
-include tests/unit/part.mk

pkg = $(shell pkg-config $(1) $(2))

# ---- objects --------------------------------------------------------------
# The core is freestanding: these same objects go into the library, the daemon
# and the unit tests.
obj = $(patsubst %.c,$(B)/%.o,$(1))

$(B)/backend/core/%.o: backend/core/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror $(OPT) -ffreestanding -fPIC -fno-stack-protector \
		-Iinclude -Ibackend/core $(DEPFLAGS) -c $< -o $@

# Other places or options: compile again.
FLAGS := $(CC) $(CSTD) $(OPT) $(HARDEN) $(CPPFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS)' | cmp -s - $@ || printf '%s\n' '$(FLAGS)' > $@

$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(OPT) $(HARDEN) -fPIC $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c $< -o $@

-include $(shell find $(B) -name '*.d' -not -path '*/stage/*' 2>/dev/null)

# ---- the parent -----------------------------------------------------------
LIB      := $(B)/$(SONAME)
LIB_OBJS := $(call obj,$(LIB_SRCS) $(CORE_SRCS))

$(LIB): $(LIB_OBJS) $(LIB_MAP)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(LIB_MAP) $(LDFLAGS) \
		$(LIB_OBJS) $(call pkg,--libs,$(LIB_PKGS)) -o $@
	@ln -sf $(SONAME) $(B)/libxenaperture.so

DAEMON := $(B)/apertured
$(DAEMON): $(call obj,$(DAEMON_SRCS) $(LIB_SRCS) $(CORE_SRCS))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -rdynamic $^ $(call pkg,--libs,$(LIB_PKGS) $(DAEMON_PKGS)) -ldl -o $@

TOOL := $(B)/xen-aperture
$(TOOL): $(call obj,$(TOOL_SRCS)) $(call obj,backend/core/parse.c backend/core/status.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(call pkg,--libs,$(TOOL_PKGS)) -o $@

PLUGINS := $(patsubst %,$(B)/devices/%.so,$(filter-out $(TEST_DEVICES),$(DEVICES)))
TEST_PLUGINS := $(patsubst %,$(B)/devices/%.so,$(TEST_DEVICES))
.SECONDEXPANSION:
$(PLUGINS) $(TEST_PLUGINS): $(B)/devices/%.so: $$(call obj,$$(DEVICE_SRCS_$$*))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(LDFLAGS) $^ $(if $(DEVICE_PKGS_$*),$(call pkg,--libs,$(DEVICE_PKGS_$*))) -o $@

# ---- targets --------------------------------------------------------------
.PHONY: all help install install-module uninstall clean

all: $(LIB) $(DAEMON) $(TOOL) $(PLUGINS) $(STUB) $(STUB_KIT) $(STUB_MODEL_KIT) $(STUB_FLAGS)

help:
	@echo 'make              build library, daemon, tool and device plugins into build/'
	@echo 'make demo         boot a nested Xen, move a file through an aperture of a PV and a'
	@echo '                  PVH guest, print a report; FILE=path for another file'
	@echo 'make check        all tests; installs what they need, as root: check-unit, check-kernel,'
	@echo '                  check-model, bench, poison-time, check-xen'
	@echo 'make check-unit   CUnit on a fake Xen: plain, sanitizers, threads, fuzz (2 minutes)'
	@echo 'make check-kernel the guest module against Linux 6.1 and 6.12, with sparse'
	@echo 'make check-xen    tests between real domains; ONLY="M7 M9": those that show these rows;'
	@echo '                  TESTS="name ...": these; TYPE=pv|pvh: one guest type'
	@echo 'make check-long   the same with full counts; before it demo and the four below (hours)'
	@echo 'make check-rig    the rig: each way to fail does fail (6 minutes)'
	@echo 'make check-fuzz   the fuzz targets with new inputs, 20 times as many'
	@echo 'make check-barriers  each barrier of the ring left out in turn: the tests notice'
	@echo 'make check-guest-6.12  tests of what depends on a kernel, with Linux 6.12 in the guests'
	@echo 'make check-model  the protocol of notifications and interrupts, searched whole (spin)'
	@echo 'make matrix       every mode pair, owner and direction between real domains, as a table'
	@echo 'make poison-time  how soon a poisoned word of the shared pages is a named error at both ends'
	@echo 'make bench        what an operation costs, in instructions of the whole machine'
	@echo 'make shell        a shell in the nested dom0, with guests at hand'
	@echo 'make install      PREFIX=/usr/local SYSCONF=/etc DESTDIR=; `make uninstall` takes it away. Without DESTDIR'
	@echo '                  it writes SYSCONF/xen-aperture and runs ldconfig, whatever PREFIX is'
	@echo 'make install-module  the source of the guest module for DKMS, nothing else'
	@echo 'make deps         install the Debian packages that building needs; tests install theirs'
	@echo 'V=1 shows every command'
	@echo 'make clean        remove build/ (downloads stay in the cache)'

# ---- installing -----------------------------------------------------------
# Lists of "source destination mode"; install copies, uninstall removes the same.
MANPAGES := $(wildcard toolstack/*.[58]) $(wildcard backend/daemon/*.[58])
MODULE_FILES := $(shell cd frontend && ls *.c *.h Kbuild)
PARENT_FILES := $(shell cd backend/kernel && ls *.c *.h Kbuild)
HEADERS  := xenaperture.h xenaperture_model.h xenaperture_timer.h xenaperture_uart.h xenaperture_stat.h xen/io/apertureif.h xen/io/aperture_signal.h linux/xen_aperture.h \
	    linux/xen_aperture_parent.h xen/aperture_parent.h

define MODULE_LIST
$(foreach f,$(MODULE_FILES),frontend/$(f) $(srcdir)/$(f) 644
)$(B)/dkms.conf $(srcdir)/dkms.conf 644
VERSION $(srcdir)/VERSION 644
include/xen/io/apertureif.h $(srcdir)/include/xen/io/apertureif.h 644
include/xen/io/aperture_signal.h $(srcdir)/include/xen/io/aperture_signal.h 644
include/linux/xen_aperture.h $(srcdir)/include/linux/xen_aperture.h 644
include/xen/aperture.h $(srcdir)/include/xen/aperture.h 644
endef

# The parent's module is optional: its source only, nothing loads it by itself.
define PARENT_LIST
$(foreach f,$(PARENT_FILES),backend/kernel/$(f) $(parentdir)/$(f) 644
)$(B)/parent-dkms.conf $(parentdir)/dkms.conf 644
VERSION $(parentdir)/VERSION 644
include/xen/io/apertureif.h $(parentdir)/include/xen/io/apertureif.h 644
include/xen/aperture_parent.h $(parentdir)/include/xen/aperture_parent.h 644
include/linux/xen_aperture_parent.h $(parentdir)/include/linux/xen_aperture_parent.h 644
endef

define INSTALL_LIST
$(TOOL) $(sbindir)/xen-aperture 755
$(DAEMON) $(sbindir)/apertured 755
$(LIB) $(libdir)/$(SONAME) 644
$(foreach d,$(filter-out $(TEST_DEVICES),$(DEVICES)),$(B)/devices/$(d).so $(devdir)/$(d).so 644
)$(B)/xenaperture.pc $(libdir)/pkgconfig/xenaperture.pc 644
$(B)/apertured.service $(unitdir)/apertured.service 644
configs/modules-load.conf $(libdir)/modules-load.d/xen-aperture.conf 644
configs/tmpfiles.conf $(libdir)/tmpfiles.d/xen-aperture.conf 644
$(foreach h,$(HEADERS),include/$(h) $(PREFIX)/include/$(h) 644
)$(foreach m,$(MANPAGES),$(m) $(mandir)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)) 644
)$(STUB_INSTALL_LIST)
$(MODULE_LIST)
$(PARENT_LIST)
endef
export INSTALL_LIST MODULE_LIST

# Templates: the places chosen by PREFIX are filled in.
GENERATED := $(B)/xenaperture.pc $(B)/apertured.service $(B)/dkms.conf $(B)/parent-dkms.conf
$(B)/xenaperture.pc: backend/lib/xenaperture.pc.in
$(B)/apertured.service: configs/apertured.service.in
$(B)/dkms.conf: frontend/dkms.conf
$(B)/parent-dkms.conf: backend/kernel/dkms.conf
$(GENERATED): VERSION FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@PREFIX@|$(PREFIX)|g' \
		-e 's|@SBINDIR@|$(sbindir)|g' -e 's|@LIBDIR@|$(libdir)|g' \
		-e 's|@SYSCONF@|$(SYSCONF)|g' -e 's|^PACKAGE_VERSION=.*|PACKAGE_VERSION="$(VERSION)"|' \
		$(filter-out VERSION FORCE,$^) > $@
.PHONY: FORCE
FORCE:

# A changed configuration file of the administrator is never overwritten.
CONFFILE := $(SYSCONF)/xen-aperture/apertured.conf

copy = while read -r from to mode; do \
	[ -z "$$from" ] || install -D -m "$$mode" "$$from" "$(DESTDIR)$$to" || exit 1; done

install: all $(GENERATED)
	$(Q)printf '%s\n' "$$INSTALL_LIST" | $(copy)
	$(Q)ln -sf $(SONAME) "$(DESTDIR)$(libdir)/libxenaperture.so"
	$(Q)[ -e "$(DESTDIR)$(CONFFILE)" ] || install -D -m 644 configs/apertured.conf "$(DESTDIR)$(CONFFILE)"
	$(Q)[ -n "$(DESTDIR)" ] || ldconfig
	@echo 'installed under $(DESTDIR)$(PREFIX); the module for guests in $(DESTDIR)$(srcdir)'

# A guest needs the module only.
install-module: $(B)/dkms.conf
	$(Q)printf '%s\n' "$$MODULE_LIST" | $(copy)
	@echo 'installed in $(DESTDIR)$(srcdir); now: dkms install xen-aperture/$(VERSION)'

# A module that DKMS built from the source goes first: DKMS reads the source to remove it.
uninstall:
	$(Q)[ -n "$(DESTDIR)" ] || for m in xen-aperture xen-aperture-parent; do \
		[ ! -d /var/lib/dkms/$$m/$(VERSION) ] || dkms remove $$m/$(VERSION) --all || exit 1; done
	$(Q)printf '%s\n' "$$INSTALL_LIST" | while read -r from to mode; do \
		[ -z "$$to" ] || rm -f "$(DESTDIR)$$to" || exit 1; \
	done
	$(Q)rm -f "$(DESTDIR)$(libdir)/libxenaperture.so"
	$(Q)for d in "$(DESTDIR)$(srcdir)" "$(DESTDIR)$(parentdir)" "$(DESTDIR)$(libdir)/xen-aperture" "$(DESTDIR)$(PREFIX)/include/xen"; do \
		[ ! -d "$$d" ] || find "$$d" -depth -type d -empty -delete; done
	@echo 'removed; $(DESTDIR)$(CONFFILE) is kept'

include tests/tests.mk

clean:
	$(Q)rm -rf $(B)
