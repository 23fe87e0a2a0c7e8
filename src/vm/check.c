/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the host before anything is created, so that refusals are one line and leave nothing. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/layout.h"
#include "check.h"
#include "mem/backing.h"

static int no_hypervisor(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		log_error("/dev/kvm: not there; use a machine or instance type that offers "
			  "virtualization (on AWS a .metal one), or load KVM; see arcvisor doctor");
		break;
	case -EACCES:
	case -EPERM:
		log_error("/dev/kvm: no permission; add your user to the group kvm "
			  "(usermod -aG kvm USER) and log in again");
		break;
	default:
		log_error("/dev/kvm: cannot be used: %s; see arcvisor doctor", strerror(-error));
	}
	return -EINVAL;
}

static int check_cpus(const struct backend_caps *caps, unsigned int cpus)
{
	if (cpus <= caps->max_vcpus)
		return 0;
	log_error("--cpus %u: this host runs at most %u vCPUs in a guest; ask for fewer", cpus,
		  caps->max_vcpus);
	return -EINVAL;
}

static int check_memory(const struct backend_caps *caps, uint64_t memory)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	/* An address has at most 52 bits (Arm DDI0487 D8.1), whatever a host says. */
	unsigned int bits = caps->ipa_bits < 52 ? caps->ipa_bits : 52;
	uint64_t most = BIT64(bits) - LAYOUT_RAM_BASE;

	if (memory > most) {
		log_error("--memory %" PRIu64 "M: this host's %u-bit guest addresses allow at most "
			  "%" PRIu64 "M; ask for less",
			  memory / MIB, bits, most / MIB);
		return -EINVAL;
	}
	if (memory % page) {
		log_error("--memory %" PRIu64 "K: must be a multiple of this host's page size, "
			  "%" PRIu64 "K",
			  memory / KIB, page / KIB);
		return -EINVAL;
	}
	return 0;
}

static int check_features(const struct backend_caps *caps)
{
	if (!caps->psci_0_2 || !caps->irqfd || !caps->immediate_exit) {
		log_error("this host's KVM lacks PSCI 0.2, irqfd or immediate exit; use Linux 5.10 "
			  "or later; see arcvisor doctor");
		return -EINVAL;
	}
	return 0;
}

/* KVM's own PSCI hears HVC alone; with the filter, both instructions come to us. */
static int check_conduit(const struct backend_caps *caps, bool smc)
{
	if (!smc || caps->smccc_filter)
		return 0;
	log_error("--conduit smc: this host's KVM has no SMCCC filter, and takes HVC alone; use "
		  "--conduit hvc, or Linux 6.4 or newer");
	return -EINVAL;
}

struct gmem_backing memory_backing(const struct vm_config *config)
{
	struct gmem_backing backing = config->backing;
	bool must_share = config->nr_vhosts || backing.huge == GMEM_HUGE_POOL;

	backing.private =
		config->share == VM_SHARE_AUTO ? !must_share : config->share == VM_SHARE_OFF;
	return backing;
}

int check_host(const struct backend_ops *ops, const struct vm_config *config,
	       struct backend_caps *caps, struct gic_choice *gic)
{
	struct gmem_backing backing = memory_backing(config);
	int ret = ops->probe(caps);

	if (ret < 0)
		return no_hypervisor(ret);
	ret = check_features(caps);
	if (ret == 0)
		ret = gic_choose(caps, config, gic);
	if (ret == 0)
		ret = check_conduit(caps, config->smc);
	if (ret == 0)
		ret = check_cpus(caps, config->cpus);
	if (ret == 0)
		ret = check_memory(caps, config->memory);
	if (ret == 0)
		ret = gmem_backing_check("", &backing, config->memory);
	return ret;
}
