# Threads against each other, under ThreadSanitizer: plain programs, since criterion starts none
# under it. Each prints "N passed, N failed" last.
#
#   make tsan       build and run them
#
# fetch_once has no threads of its own: see there.

TSAN       := build/tsan
TSAN_TESTS := $(sort $(patsubst tests/tsan/%.c,%,$(wildcard tests/tsan/*_stress.c)))
TSAN_FLAGS  = $(CFLAGS) -Itests/tsan -fsanitize=thread -fno-omit-frame-pointer
# gcc warns of fences, which it does not model: ours pair with the kernel's, that it sees no better.
TSAN_FLAGS += $(if $(findstring clang,$(CC)),,-Wno-tsan)
TSAN_OBJS  := $(patsubst %.c,$(TSAN)/obj/%.o,$(SRC) $(SIM))
TSAN_PROGS := $(TSAN_TESTS:%=$(TSAN)/%)

$(TSAN)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(TSAN_FLAGS) -MMD -MP -c -o $@ $<

$(TSAN)/libarcvisor.a: $(TSAN_OBJS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(TSAN_PROGS): $(TSAN)/%: $(TSAN)/obj/tests/tsan/%.o $(TSAN)/libarcvisor.a
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(TSAN_FLAGS) -o $@ $^ $(LIBS) -lpthread

# How often guest memory is read: the same objects, whose calls at each load and store come to us.
TSAN_PROGS += $(TSAN)/fetch_once
$(TSAN)/fetch_once.o: tests/tsan/fetch_once.c Makefile
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(CFLAGS) -fno-builtin-memcpy -MMD -MP -c -o $@ $<

$(TSAN)/fetch_once: $(TSAN)/fetch_once.o $(TSAN)/libarcvisor.a
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) -Wl,--wrap=memcpy -o $@ $^ $(LIBS) -lpthread

.PHONY: tsan
tsan: $(TSAN_PROGS)
	$(Q)for t in $^; do echo "$$t"; TSAN_OPTIONS=halt_on_error=1 $$t || exit 1; done
