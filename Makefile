# The front desk: everything that is done to this project is one of these commands. CMake does the work.
#
#   make demo      install what is missing, build, record a browser loading the sample site, make its reports
#   make test      install what is missing, build with gcc and with clang and sanitizers, run every test
#   make           build into $(BUILD)
#   make bench     measure speed against other proxies, what seeing into TLS and looking at the live view costs, and statistics of much
#   make truth     let Chromium load a page over ways of known lengths, and compare them
#   make fuzz      run each fuzz target for FUZZ_SECONDS
#   make install   install programs and man pages below PREFIX (/usr/local)
#   make deb       make a Debian package in $(BUILD)
#   make format    format the C code
#   make clean     remove the build folders

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 300
FUZZ_TARGETS = http http2 tls websocket socks reader contents

BUILD_PACKAGES = gcc cmake make pkg-config libc6-dev libevent-dev libprotobuf-c-dev protobuf-c-compiler libisal-dev \
	libseccomp-dev libssl-dev libnghttp2-dev libzstd-dev zstd zlib1g-dev libbrotli-dev libcairo2-dev libpango1.0-dev libpng-dev \
	node-llhttp fonts-dejavu-core
DEMO_PACKAGES = python3 chromium
TEST_PACKAGES = python3 libcriterion-dev clang llvm libclang-rt-14-dev curl chromium firefox-esr tor tcpdump strace iproute2 \
	nginx openssl tshark libnss3-tools gdb poppler-utils qpdf libxml2-utils man-db procps r-base-core
BENCH_PACKAGES = python3 r-base-core microsocks dante-server mitmproxy nginx openssl curl procps \
	util-linux

# Install those of $(1) that are not installed; needs root or sudo only then.
missing = $(shell for p in $(1); do dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done)
define install_missing
	@set -e; missing="$(strip $(call missing,$(1)))"; \
	if [ -n "$$missing" ]; then \
		echo "installing: $$missing"; \
		as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
		$$as_root apt-get update -qq; \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: all build demo test bench truth fuzz install deb format clean build-packages
all: build

build-packages:
	$(call install_missing,$(BUILD_PACKAGES))

build: build-packages
	cmake -S . -B $(BUILD) -DBUILD_TESTING=OFF -DBENCH=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build $(BUILD) -j $(JOBS)

demo: build
	$(call install_missing,$(DEMO_PACKAGES))
	samples/demo.sh $(BUILD)

# What the tests of the live view drive browsers with comes from npm (Debian's, where there is none yet).
NODE_MODULES = tests/browser/node_modules/.package-lock.json
$(NODE_MODULES): tests/browser/package-lock.json
	$(if $(shell command -v npm),,$(call install_missing,nodejs npm))
	cd tests/browser && npm ci
	touch $@

# Release build by gcc: all tests. Sanitizer build by clang: all but what measures time or memory (label "release").
test: build-packages $(NODE_MODULES)
	$(call install_missing,$(TEST_PACKAGES))
	CC=gcc cmake -S . -B $(BUILD)-test
	cmake --build $(BUILD)-test -j $(JOBS)
	CC=clang cmake -S . -B $(BUILD)-sanitize -DSANITIZE=ON
	cmake --build $(BUILD)-sanitize -j $(JOBS)
	cd $(BUILD)-test && ctest --output-on-failure -j $(JOBS)
	cd $(BUILD)-sanitize && ctest --output-on-failure -j $(JOBS) -LE release

bench: build-packages
	$(call install_missing,$(BENCH_PACKAGES))
	cmake -S . -B $(BUILD)-bench -DBUILD_TESTING=ON -DBENCH=ON
	cmake --build $(BUILD)-bench -j $(JOBS) --target mitm-proxy mitm-analyze bench_floor bench_load bench_make_large
	python3 tests/bench/bench.py --build $(BUILD)-bench -o $(BUILD)-bench
	python3 tests/bench/tls.py --build $(BUILD)-bench
	python3 tests/bench/view.py --build $(BUILD)-bench --paced
	python3 tests/bench/view.py --build $(BUILD)-bench
	python3 tests/bench/large.py --build $(BUILD)-bench

truth: build
	$(call install_missing,$(DEMO_PACKAGES))
	rm -rf $(BUILD)/truth
	python3 tests/browser/truth.py --build $(BUILD) -o $(BUILD)/truth

fuzz: build-packages
	$(call install_missing,$(TEST_PACKAGES))
	CC=clang cmake -S . -B $(BUILD)-fuzz -DSANITIZE=ON -DFUZZ=ON
	cmake --build $(BUILD)-fuzz -j $(JOBS) --target $(FUZZ_TARGETS:%=fuzz_%)
	set -e; for t in $(FUZZ_TARGETS); do \
		mkdir -p $(BUILD)-fuzz/corpus/$$t; \
		$(BUILD)-fuzz/tests/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			$(BUILD)-fuzz/corpus/$$t tests/fuzz/corpus/$$t; \
	done

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

deb: build
	$(call install_missing,dpkg-dev)
	cd $(BUILD) && cpack

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD) $(BUILD)-test $(BUILD)-sanitize $(BUILD)-bench $(BUILD)-fuzz tests/browser/node_modules
