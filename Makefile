# SPDX-License-Identifier: GPL-2.0-only
#
# xen-aperture: `make help` lists the targets. V=1 shows every command.

VERSION   := $(shell cat VERSION)
PREFIX    ?= /usr/local
SYSCONF   ?= /etc
RUNDIR    ?= /run/xen-aperture
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
	     -DXENAPERTURE_RUN='"$(RUNDIR)"'
DEPFLAGS  := -MMD -MP
LDFLAGS   += -Wl,-z,relro,-z,now

.DEFAULT_GOAL := all

CORE_SRCS := $(wildcard backend/core/*.c)

include backend/part.mk
include toolstack/part.mk
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

# check is the tests' own device: built for them, not installed.
PLUGINS := $(patsubst %,$(B)/devices/%.so,$(filter-out check,$(DEVICES)))
.SECONDEXPANSION:
$(PLUGINS) $(B)/devices/check.so: $(B)/devices/%.so: $$(call obj,$$(DEVICE_SRCS_$$*))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(LDFLAGS) $^ $(if $(DEVICE_PKGS_$*),$(call pkg,--libs,$(DEVICE_PKGS_$*))) -o $@

# ---- targets --------------------------------------------------------------
.PHONY: all help install install-module uninstall clean

all: $(LIB) $(DAEMON) $(TOOL) $(PLUGINS)

help:
	@echo 'make              build library, daemon, tool and device plugins into build/'
	@echo 'make demo         boot a nested Xen, move a file through an aperture of a PV and a'
	@echo '                  PVH guest, print a report; FILE=path for another file'
	@echo 'make check        all tests: check-unit, check-kernel, check-xen (under 30 minutes)'
	@echo 'make check-unit   CUnit on a fake Xen: plain, sanitizers, threads, fuzz (1 minute)'
	@echo 'make check-kernel the guest module against Linux 6.1 and 6.12, with sparse'
	@echo 'make check-xen    tests between real domains; ONLY="M7 M9": those that show these rows;'
	@echo '                  TESTS="name ...": these; TYPE=pv|pvh: one guest type'
	@echo 'make check-long   the same with full counts; before it the two below (hours)'
	@echo 'make check-rig    the rig: each way to fail does fail (6 minutes)'
	@echo 'make check-barriers  each barrier of the ring left out in turn: the tests notice'
	@echo 'make shell        a shell in the nested dom0, with guests at hand'
	@echo 'make install      PREFIX=/usr/local DESTDIR=; `make uninstall` takes it away'
	@echo 'make install-module  the source of the guest module for DKMS, nothing else'
	@echo 'make deps         install the Debian packages that building needs; tests install theirs'
	@echo 'V=1 shows every command'
	@echo 'make clean        remove build/ (downloads stay in the cache)'

# ---- installing -----------------------------------------------------------
# Lists of "source destination mode"; install copies, uninstall removes the same.
MANPAGES := $(wildcard toolstack/*.[58]) $(wildcard backend/daemon/*.[58])
MODULE_FILES := $(shell cd frontend && ls *.c *.h Kbuild)
HEADERS  := xenaperture.h xenaperture_stat.h xen/io/apertureif.h xen/io/aperture_signal.h linux/xen_aperture.h

define MODULE_LIST
$(foreach f,$(MODULE_FILES),frontend/$(f) $(srcdir)/$(f) 644
)$(B)/dkms.conf $(srcdir)/dkms.conf 644
VERSION $(srcdir)/VERSION 644
include/xen/io/apertureif.h $(srcdir)/include/xen/io/apertureif.h 644
include/xen/io/aperture_signal.h $(srcdir)/include/xen/io/aperture_signal.h 644
include/linux/xen_aperture.h $(srcdir)/include/linux/xen_aperture.h 644
include/xen/aperture.h $(srcdir)/include/xen/aperture.h 644
endef

define INSTALL_LIST
$(TOOL) $(sbindir)/xen-aperture 755
$(DAEMON) $(sbindir)/apertured 755
$(LIB) $(libdir)/$(SONAME) 644
$(foreach d,$(filter-out check,$(DEVICES)),$(B)/devices/$(d).so $(devdir)/$(d).so 644
)$(B)/xenaperture.pc $(libdir)/pkgconfig/xenaperture.pc 644
$(B)/apertured.service $(unitdir)/apertured.service 644
configs/modules-load.conf $(libdir)/modules-load.d/xen-aperture.conf 644
configs/tmpfiles.conf $(libdir)/tmpfiles.d/xen-aperture.conf 644
$(foreach h,$(HEADERS),include/$(h) $(PREFIX)/include/$(h) 644
)$(foreach m,$(MANPAGES),$(m) $(mandir)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)) 644
)$(MODULE_LIST)
endef
export INSTALL_LIST MODULE_LIST

# Templates: the places chosen by PREFIX are filled in.
GENERATED := $(B)/xenaperture.pc $(B)/apertured.service $(B)/dkms.conf
$(B)/xenaperture.pc: backend/lib/xenaperture.pc.in
$(B)/apertured.service: configs/apertured.service.in
$(B)/dkms.conf: frontend/dkms.conf
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
	$(Q)[ -n "$(DESTDIR)" ] || [ ! -d /var/lib/dkms/xen-aperture/$(VERSION) ] || \
		dkms remove xen-aperture/$(VERSION) --all
	$(Q)printf '%s\n' "$$INSTALL_LIST" | while read -r from to mode; do \
		[ -z "$$to" ] || rm -f "$(DESTDIR)$$to" || exit 1; \
	done
	$(Q)rm -f "$(DESTDIR)$(libdir)/libxenaperture.so"
	$(Q)for d in "$(DESTDIR)$(srcdir)" "$(DESTDIR)$(libdir)/xen-aperture" "$(DESTDIR)$(PREFIX)/include/xen"; do \
		[ ! -d "$$d" ] || find "$$d" -depth -type d -empty -delete; done
	@echo 'removed; $(DESTDIR)$(CONFFILE) is kept'

include tests/tests.mk

clean:
	$(Q)rm -rf $(B)
