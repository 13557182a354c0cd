# Accolade. `make help` lists the targets. BUILD=dev (default), asan, release, coverage or fuzz; each builds in its own folder.
BUILD ?= dev
OUT   ?= build/$(BUILD)
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(BUILD)),clang,gcc)
endif

# make V=1 shows whole commands, make -s nothing.
Q = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %s\n' '$@';))

WARN := -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings -Wundef \
        -Wpointer-arith -Wcast-qual -Wimplicit-fallthrough -Werror
HARD := -fPIE -fstack-protector-strong -fstack-clash-protection -fno-strict-aliasing -ffp-contract=off
SANITIZE := -fsanitize=address,undefined
# What only tests use: the clock that they move (base/clock.h) and the ends that they plant (base/trap.h). Never in a release build.
SWITCHES := -DACCOLADE_TEST_CLOCK -DACCOLADE_TEST_TRAPS
FLAGS_dev      := -O1 -g $(SWITCHES)
FLAGS_asan     := -O1 -g $(SWITCHES) $(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_release  := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_coverage := -O0 -g $(SWITCHES) --coverage -fprofile-update=atomic
# clang warns of other things than gcc, for which the code is written.
FLAGS_fuzz     := -Wno-error -O1 -g $(SWITCHES) $(SANITIZE) -fno-sanitize-recover=all -fsanitize=fuzzer-no-link -gdwarf-4
LINK_asan      := $(SANITIZE)
LINK_coverage  := --coverage
LINK_fuzz      := $(SANITIZE)
PACKAGES := libmariadb libmemcached json-c uuid openssl
CFLAGS  += -std=gnu11 $(WARN) $(HARD) $(FLAGS_$(BUILD)) -I. -I$(OUT) -include base/banned.h \
           $(shell pkg-config --cflags $(PACKAGES))
LDFLAGS += -pie -Wl,-z,relro,-z,now $(LINK_$(BUILD))
LIBS    := $(shell pkg-config --libs $(PACKAGES)) -lfcgi -lm

# One archive per room, in the order of the house from top to bottom: the linker refuses what points up.
ROOMS := fcgi cli jobs handlers http service sql engine cache shm base
src = $(sort $(wildcard $(1)/*.c $(1)/*/*.c))
obj = $(patsubst %.c,$(OUT)/%.o,$(call src,$(1)))
lib = $(OUT)/lib$(1).a
libs = $(foreach room,$(1),$(call lib,$(room)))

ROOMS_fcgi := fcgi handlers http service sql engine cache shm base
ROOMS_cli  := cli jobs service sql engine cache shm base
PROGRAMS   := $(if $(wildcard fcgi/main.c),$(OUT)/accolade-fcgi) $(if $(wildcard cli/main.c),$(OUT)/accolade)
# Of tests/unit each test_*.c is a program; the other files there are linked to all of them.
UNITS      := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c))
UNIT_PARTS := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BENCHES    := $(patsubst %.c,$(OUT)/%,$(wildcard tests/bench/*.c))
FUZZERS    := $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
# The fuzzing engine, or a main of our own that runs files: so the targets are built and their corpora run with every compiler.
FUZZ_MAIN  := $(if $(filter fuzz,$(BUILD)),-fsanitize=fuzzer,$(OUT)/tests/fuzz/main.o)

.PHONY: all tests benches run stop test lint bench fuzz install clean coverage help flags FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) $(call libs,$(ROOMS)) ## build the two programs (BUILD=dev, asan or release)
tests: all benches $(UNITS) $(FUZZERS) $(OUT)/api/describe ## build the unit tests, fuzz targets and tools of the bench too
benches: $(BENCHES)

$(OUT)/accolade-fcgi: $(call libs,$(ROOMS_fcgi))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/accolade: $(call libs,$(ROOMS_cli))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
# Prints what the tables say of the HTTP surface: for the API description, and for tests that are made from tables.
$(OUT)/api/describe: $(OUT)/api/describe.o $(call libs,$(filter-out fcgi,$(ROOMS_fcgi)))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/tests/unit/test_%: $(OUT)/tests/unit/test_%.o $(UNIT_PARTS) $(call libs,$(ROOMS))
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# It counts what these do, by functions of its own in their place.
$(OUT)/tests/unit/test_authentication: LDFLAGS += $(foreach f,crypto_sha256 crypto_hmac_any crypto_equal front_read token_front_read,-Wl,--wrap=$(f))
$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(filter %.o,$(FUZZ_MAIN)) $(call libs,$(ROOMS))
	$(Q)$(CC) $(LDFLAGS) $(filter -%,$(FUZZ_MAIN)) -o $@ $^ $(LIBS)

$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(call libs,sql engine base)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# An archive is made anew when one of its objects changed, and when the list of its sources did.
define archive
$(call lib,$(1)): $(call obj,$(1)) $(OUT)/$(1).list
	@rm -f $$@
	@ar rcsD $$@ $(call obj,$(1))
endef
$(foreach room,$(ROOMS),$(eval $(call archive,$(room))))

replace_if_changed = @mkdir -p $(@D); printf '%s\n' '$(strip $(1))' >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(OUT)/%.list: FORCE ; $(call replace_if_changed,$(call src,$*))
$(OUT)/flags: FORCE ; $(call replace_if_changed,$(CC) $(CFLAGS))
$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

run: ## start the development stack under var/ (scripts/run --help)
	scripts/run
stop: ## stop it
	scripts/run --stop
test: ## every check and every tier of tests (scripts/test --help)
	scripts/test
lint: ## the checks that keep the house (scripts/check-*)
	scripts/lint
bench: ## the award path against its floors, on a release build on a stack of its own (scripts/bench --help)
	scripts/bench
fuzz: ## run each fuzz target for SECONDS=60 with clang's fuzzing engine; finds go to build/fuzz/finds
	scripts/fuzz $(or $(SECONDS),60)
coverage: ## lines that the tests run: units and the whole system (build/coverage)
	scripts/coverage
flags: ; @echo $(CFLAGS)

PREFIX  ?= /usr/local
DESTDIR ?=
HERE = $(DESTDIR)$(PREFIX)
install: ## install a release build under PREFIX=/usr/local (DESTDIR is honoured)
	$(MAKE) BUILD=release all
	install -D -m 755 -t $(HERE)/bin build/release/accolade
	install -D -m 755 -t $(HERE)/sbin build/release/accolade-fcgi
	install -D -m 755 -t $(HERE)/share/accolade/scripts scripts/migrate scripts/lib.sh
	for file in sql/sqitch.plan sql/sqitch.conf $$(find sql/deploy sql/revert sql/verify presets -type f); do \
	    install -D -m 644 $$file $(HERE)/share/accolade/$$file || exit 1; done
	install -D -m 644 -t $(HERE)/share/accolade/nginx nginx/*.conf
	for unit in systemd/accolade*.service systemd/accolade*.socket systemd/accolade*.timer systemd/accolade*.d/*; do \
	    sed 's|/usr/local/|$(PREFIX)/|g' $$unit | install -D -m 644 /dev/stdin $(HERE)/lib/systemd/system/$${unit#systemd/} || exit 1; done
	for page in docs/man/*.[1-9]; do install -D -m 644 -t $(HERE)/share/man/man$${page##*.} $$page || exit 1; done

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F':[^#]*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
