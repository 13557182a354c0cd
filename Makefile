# Accolade. `make help` lists the targets. BUILD=dev (default), asan or release; each builds in its own folder.
BUILD ?= dev
OUT   ?= build/$(BUILD)
CC    ?= gcc

WARN := -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings -Wundef \
        -Wpointer-arith -Wcast-qual -Wimplicit-fallthrough -Werror
HARD := -fPIE -fstack-protector-strong -fstack-clash-protection -fno-strict-aliasing -ffp-contract=off
FLAGS_dev     := -O1 -g -DACCOLADE_TEST_CLOCK
FLAGS_asan    := -O1 -g -DACCOLADE_TEST_CLOCK -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
LINK_asan     := -fsanitize=address,undefined
PACKAGES := libmariadb libmemcached json-c uuid openssl
CFLAGS  += -std=gnu11 $(WARN) $(HARD) $(FLAGS_$(BUILD)) -I. -I$(OUT) -MMD -MP $(shell pkg-config --cflags $(PACKAGES))
LDFLAGS += -pie -Wl,-z,relro,-z,now $(LINK_$(BUILD))
LIBS    := $(shell pkg-config --libs $(PACKAGES)) -lfcgi -lm

# One archive per room, in the order of the house from top to bottom: the linker refuses what points up.
ROOMS := fcgi cli jobs handlers http service engine sql cache shm base
src = $(wildcard $(1)/*.c $(1)/*/*.c)
obj = $(patsubst %.c,$(OUT)/%.o,$(call src,$(1)))
lib = $(OUT)/lib$(1).a
