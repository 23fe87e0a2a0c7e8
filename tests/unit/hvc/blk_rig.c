/* SPDX-License-Identifier: Apache-2.0 */
#include "blk_rig.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../hvc_queue.h"
#include "hvc/vendor.h"

#define SENTINEL(n) (0x5e17000000000000ull + (n))

struct blk_rig rig;

static void make_disks(void)
{
	struct fake_disk_config plain = {
		.config = { .id = "plain", .serial = "serial-0" },
		.limits = { .logical_block = 512,
			    .physical_block = 4096,
			    .dma_alignment = 1,
			    .discard = true,
			    .discard_granularity = 4096,
			    .max_discard = 1 << 20,
			    .write_zeroes = true,
			    .max_write_zeroes = 64 << 10 },
		.size = RIG_SECTORS * 512,
	};
	struct fake_disk_config ro = plain, big = plain;

	ro.limits.read_only = true;
	big.limits.logical_block = 4096;
	big.limits.discard = false;
	big.limits.write_zeroes = false;
	rig.disks[DISK_PLAIN] = fake_disk(&plain);
	rig.disks[DISK_RO] = fake_disk(&ro);
	rig.disks[DISK_4K] = fake_disk(&big);
}

static void make_vcpus(void)
{
	static const struct backend_vm_config vm_config;

	sim_init();
	cr_assert_eq(backend_sim.vm_create(&vm_config, &rig.vm), 0);
	for (unsigned int i = 0; i < RIG_VCPUS; i++) {
		cr_assert_eq(backend_sim.vcpu_create(rig.vm, i, &rig.vcpus[i]), 0);
		irq_line_init(&rig.lines[i], &backend_sim, rig.vm, RIG_FIRST_SPI + i,
			      IRQ_EDGE_RISING);
		rig.lines[i].eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		cr_assert_geq(rig.lines[i].eventfd, 0);
	}
}

void rig_init(void)
{
	struct hvc_blk_config config = {
		.mem = &rig.mem,
		.nr_vcpus = RIG_VCPUS,
		.disks = rig.disks,
		.nr_disks = RIG_DISKS,
		.lines = rig.lines,
		.has_mmio = true,
	};

	memset(&rig, 0, sizeof(rig));
	memset(&fake, 0, sizeof(fake));
	fake_immediate(true);
	gmem_init(&rig.mem);
	cr_assert_eq(gmem_add(&rig.mem, LOW_BASE, LOW_SIZE), 0);
	cr_assert_eq(gmem_add(&rig.mem, HIGH_BASE, HIGH_SIZE), 0);
	make_disks();
	make_vcpus();
	cr_assert_eq(hvc_blk_create(&config, &rig.blk), 0);
	cr_assert_eq(hvc_blk_open(rig.blk), 0);
	for (unsigned int i = 0; i < RIG_VCPUS; i++)
		cr_assert_eq(hvc_blk_attach(rig.blk, i), 0);
	smccc_table_init(&rig.table);
	cr_assert_eq(vendor_register(&rig.table, rig.blk), 0);
}

void rig_fini(void)
{
	for (unsigned int i = 0; i < RIG_VCPUS; i++)
		hvc_blk_drain(rig.blk, i);
	hvc_blk_destroy(rig.blk);
	for (unsigned int i = 0; i < RIG_VCPUS; i++) {
		backend_sim.vcpu_destroy(rig.vcpus[i]);
		close(rig.lines[i].eventfd);
	}
	backend_sim.vm_destroy(rig.vm);
	for (unsigned int i = 0; i < RIG_DISKS; i++)
		disk_close(rig.disks[i]);
	gmem_fini(&rig.mem);
	sim_init();
}

int64_t rig_call_by(bool is_smc, unsigned int vcpu, uint32_t fid, uint64_t x1, uint64_t x2,
		    uint64_t x3, uint64_t x4)
{
	uint64_t args[17] = { x1, x2, x3, x4 };
	struct vcpu_exit exit;
	struct smccc_call call = {
		.ops = &backend_sim,
		.backend = rig.vcpus[vcpu],
		.vcpu = vcpu,
		.exit = &exit.smccc,
	};

	for (unsigned int i = 4; i < 17; i++)
		args[i] = SENTINEL(i + 1);
	sim_play_call(vcpu, is_smc, fid, 17, args);
	cr_assert_eq(backend_sim.vcpu_run(rig.vcpus[vcpu], &exit), 0);
	cr_assert_eq(smccc_dispatch(&rig.table, &call), SMCCC_RETURN);
	rig.nr_ret = exit.smccc.nr_ret;
	cr_assert_eq(backend_sim.vcpu_reply(rig.vcpus[vcpu], &exit), 0);
	cr_assert_eq(backend_sim.vcpu_settle(rig.vcpus[vcpu]), 0);
	sim_regs(vcpu, &rig.regs);
	for (unsigned int i = 5; i < 18; i++)
		cr_assert_eq(rig.regs.x[i], SENTINEL(i), "0x%x changed x%u", fid, i);
	return (int64_t)rig.regs.x[0];
}

int64_t rig_call(unsigned int vcpu, uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
		 uint64_t x4)
{
	return rig_call_by(false, vcpu, fid, x1, x2, x3, x4);
}

int64_t rig_ring(unsigned int vcpu, uint32_t fid)
{
	int64_t x0 = rig_call(vcpu, fid, SENTINEL(1), SENTINEL(2), SENTINEL(3), SENTINEL(4));

	for (unsigned int i = 1; i < 5; i++)
		cr_assert_eq(rig.regs.x[i], SENTINEL(i), "0x%x changed x%u", fid, i);
	return x0 == (int64_t)fid ? 0 : x0;
}

void *rig_mem(gpa_t gpa, uint64_t len)
{
	void *host = gmem_slice(&rig.mem, gpa, len);

	cr_assert_not_null(host);
	return host;
}

unsigned int rig_interrupts(unsigned int vcpu)
{
	eventfd_t count = 0;

	return eventfd_read(rig.lines[vcpu].eventfd, &count) == 0 ? (unsigned int)count : 0;
}

struct hvc_blk_queue_config rig_config(unsigned int vcpu, unsigned int slot, unsigned int disk)
{
	struct hvc_blk_queue_config config = hvc_queue_at(RINGS_GPA + slot * RINGS_STEP, 16);

	config.dev = (uint16_t)disk;
	config.cq_entries = 32;
	config.irq = vcpu;
	config.vcpu = vcpu;
	return config;
}

int64_t rig_setup(unsigned int vcpu, const struct hvc_blk_queue_config *config)
{
	memcpy(rig_mem(CONFIG_GPA, sizeof(*config)), config, sizeof(*config));
	return rig_call(vcpu, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, sizeof(*config), 0, 0);
}

void rig_open(struct rig_queue *queue, unsigned int vcpu, unsigned int slot, unsigned int disk,
	      unsigned int flags)
{
	*queue = (struct rig_queue){ .vcpu = vcpu, .slot = slot };
	queue->config = rig_config(vcpu, slot, disk);
	queue->config.flags = (uint16_t)flags;
	memset(rig_mem(queue->config.header, RINGS_STEP), 0, RINGS_STEP);
	queue->header = rig_mem(queue->config.header, sizeof(*queue->header));
	queue->sq = rig_mem(queue->config.sq, 16 * sizeof(*queue->sq));
	queue->cq = rig_mem(queue->config.cq, 32 * sizeof(*queue->cq));
	queue->id = rig_setup(vcpu, &queue->config);
	cr_assert_geq(queue->id, 0);
	cr_assert_eq(
		rig_call(vcpu, HVC_BLK_QUEUE_CTRL, (uint64_t)queue->id, HVC_BLK_CTRL_ENABLE, 0, 0),
		0);
}

void rig_put(struct rig_queue *queue, const struct hvc_blk_sqe *sqe)
{
	queue->sq[queue->header->sq_tail % queue->config.sq_entries] = *sqe;
	queue->header->sq_tail++;
}

void rig_put_rw(struct rig_queue *queue, unsigned int op, unsigned int tag, uint64_t sector,
		gpa_t gpa, uint32_t bytes)
{
	struct hvc_blk_sqe sqe = {
		.op = (uint8_t)op,
		.tag = (uint16_t)tag,
		.nseg = 1,
		.sector = sector,
		.nr_sectors = bytes / 512,
		.seg[0] = { .gpa = gpa, .len = bytes },
	};

	rig_put(queue, &sqe);
}

int64_t rig_doorbell(struct rig_queue *queue)
{
	return rig_ring(queue->vcpu, HVC_BLK_DOORBELL + (uint32_t)queue->id);
}

int64_t rig_reap(struct rig_queue *queue)
{
	return rig_ring(queue->vcpu, HVC_BLK_REAP + (uint32_t)queue->id);
}

bool rig_get(struct rig_queue *queue, struct hvc_blk_cqe *cqe)
{
	uint32_t head = queue->header->cq_head;

	if (head == queue->header->cq_tail)
		return false;
	*cqe = queue->cq[head % queue->config.cq_entries];
	queue->header->cq_head = head + 1;
	return true;
}

unsigned int rig_do(struct rig_queue *queue, const struct hvc_blk_sqe *sqe)
{
	struct hvc_blk_cqe cqe;

	rig_put(queue, sqe);
	cr_assert_eq(rig_doorbell(queue), 0);
	cr_assert(rig_get(queue, &cqe), "no completion");
	cr_assert_eq(cqe.tag, sqe->tag);
	cr_assert_eq(cqe.reserved, 0);
	if (cqe.status != HVC_BLK_OK)
		cr_assert_eq(cqe.bytes, 0);
	return cqe.status;
}
