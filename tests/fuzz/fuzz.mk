# Fuzz targets: tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput(), tests/fuzz/corpus/NAME/ holds
# its kept inputs. A new file is a new target; nothing here names any.
#
#   make fuzz [FUZZ="NAME..."] [FUZZ_SECONDS=60]   hunt with libFuzzer and clang's sanitizers
#   make fuzz-keep [FUZZ="NAME..."]                add to corpus/ what a hunt found that covers more
#   make fuzz-replay                               run the kept inputs, as make test does

FUZZ_ALL     := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ         ?= $(FUZZ_ALL)
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_DIR     := build/fuzz
FUZZ_SAN     := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CFLAGS   = $(CFLAGS) -Itests/fuzz $(FUZZ_SAN:-fsanitize=fuzzer%=-fsanitize=fuzzer-no-link%)

# What a target is linked with beside libarcvisor.a. A target that has needs of its own: FUZZ_LIBS_NAME.
FUZZ_LIBS := $(LIBS) -lpthread

$(FUZZ_DIR)/obj/backends/kvm/%.o: backends/kvm/%.c Makefile $(UAPI)/.stamp
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -isystem $(UAPI) -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/libarcvisor.a: $(patsubst %.c,$(FUZZ_DIR)/obj/%.o,$(SRC) $(SIM) $(KVM))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZ_ALL:%=$(FUZZ_DIR)/fuzz_%): $(FUZZ_DIR)/fuzz_%: $(FUZZ_DIR)/obj/tests/fuzz/fuzz_%.o $(FUZZ_DIR)/libarcvisor.a
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(FUZZ_CC) $(FUZZ_SAN) -o $@ $^ $(FUZZ_LIBS) $(FUZZ_LIBS_$*)

.PHONY: fuzz fuzz-keep fuzz-replay
fuzz: $(FUZZ:%=$(FUZZ_DIR)/fuzz_%)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/hunt $(FUZZ)

fuzz-keep: $(FUZZ:%=$(FUZZ_DIR)/fuzz_%)
	$(Q)tests/fuzz/keep $(FUZZ)

# The same targets under a main() of ours, with this machine's compiler: no libFuzzer needed.
FUZZ_REPLAYS := $(FUZZ_ALL:%=$(NATIVE)/tests/fuzz/%)
$(NATIVE)/obj/tests/fuzz/%.o: tests/fuzz/%.c Makefile $(UAPI)/.stamp
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(NATIVE_CFLAGS) -Itests/fuzz -MMD -MP -c -o $@ $<

$(FUZZ_REPLAYS): $(NATIVE)/tests/fuzz/%: $(NATIVE)/obj/tests/fuzz/fuzz_%.o $(NATIVE)/obj/tests/fuzz/replay.o \
		$(NATIVE)/libarcvisor.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(NATIVE_CFLAGS) -o $@ $^ $(FUZZ_LIBS) $(FUZZ_LIBS_$*)

fuzz-replay: $(FUZZ_REPLAYS)
	$(Q)status=0; for t in $(FUZZ_ALL); do \
		$(NATIVE)/tests/fuzz/$$t tests/fuzz/corpus/$$t || status=1; done; exit $$status
