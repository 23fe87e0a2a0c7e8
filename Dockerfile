# Debian 13 with arcvisor, built, and all that its tests need; arm64 and amd64.
#
#   docker build -t arcvisor .
#   docker run --rm arcvisor                        # make test, on an emulated arm64 host
#   docker run --rm --device /dev/kvm arcvisor      # the same, on an arm64 machine's own KVM
#
# The tests fetch Debian kernels; -v arcvisor-cache:/src/.cache keeps them for the next run.
# tools/docker/in-tree runs these lines where there is no Docker: keep them plain.
FROM debian:13
WORKDIR /src
COPY tools/setup tools/setup
RUN tools/setup/setup.sh test
COPY . .
RUN make -j2 test-build
CMD ["make", "test"]
