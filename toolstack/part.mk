# SPDX-License-Identifier: GPL-2.0-only
TOOL_SRCS := $(addprefix toolstack/,main.c args.c say.c spec.c store.c device.c change.c wait.c \
	     removal.c table.c json.c config.c xl.c statfile.c cmd_device.c cmd_list.c \
	     cmd_stat.c cmd_create.c)
TOOL_PKGS := xlutil xenlight xentoollog xenstore json-c
