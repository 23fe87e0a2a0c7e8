/* SPDX-License-Identifier: Apache-2.0 */
/* VERSION, DEV_INFO, GET_ID, QUEUE_SETUP, QUEUE_CTRL. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "blk_rig.h"

TestSuite(blk_setup, .init = rig_init, .fini = rig_fini);

static int64_t ctrl(unsigned int vcpu, int64_t id, unsigned int op)
{
	return rig_call(vcpu, HVC_BLK_QUEUE_CTRL, (uint64_t)id, op, 0, 0);
}

Test(blk_setup, version)
{
	cr_expect_eq(rig_call(0, HVC_BLK_VERSION, 0, 0, 0, 7), 0x20000);
	cr_expect_eq(rig.nr_ret, 3);
	cr_expect_eq(rig.regs.x[1], 0x3f7 & ~(uint64_t)HVC_BLK_F_HOST_POLL);
	cr_expect_eq(rig.regs.x[2], 4096ull << 32 | 1024);
	cr_expect_eq(rig.regs.x[4], 7);
}

Test(blk_setup, dev_info)
{
	struct hvc_blk_device_info *info = rig_mem(DATA_GPA, sizeof(*info) + 8);

	memset(info, 0xee, sizeof(*info) + 8);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, DISK_PLAIN, DATA_GPA, 4096, 0), 256);
	cr_expect_eq(info->size, 256);
	cr_expect_eq(info->flags, 2 | 4 | 8 | 16);
	cr_expect_eq(info->sectors, RIG_SECTORS);
	cr_expect_eq(info->logical_block, 512);
	cr_expect_eq(info->physical_block, 4096);
	cr_expect_eq(info->max_segments, 256);
	cr_expect_eq(info->max_discard, (1 << 20) / 512);
	cr_expect_eq(info->max_write_zeroes, (64 << 10) / 512);
	cr_expect_eq(info->max_queues, 4096);
	for (unsigned int i = 0; i < sizeof(info->reserved); i++)
		cr_expect_eq(info->reserved[i], 0);
	cr_expect_eq(*(uint8_t *)(info + 1), 0xee, "past its end");
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, DISK_RO, DATA_GPA, 256, 0), 256);
	cr_expect(info->flags & 1);
}

Test(blk_setup, dev_info_for_who_knows_less)
{
	uint32_t *words = rig_mem(DATA_GPA, 32);

	memset(words, 0xee, 32);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, DISK_PLAIN, DATA_GPA, 16, 0), 16);
	cr_expect_eq(words[0], 16);
	cr_expect_eq(words[4], 0xeeeeeeee);
}

Test(blk_setup, dev_info_errors)
{
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, RIG_DISKS, DATA_GPA, 256, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, 0, DATA_GPA, 0, 0), -EINVAL);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, 0, RAM_END - 255, 256, 0), -EFAULT);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, 0, RAM_END - 256, UINT64_MAX, 0), 256);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, 0, UINT64_MAX - 8, 256, 0), -EFAULT);
}

Test(blk_setup, get_id)
{
	struct hvc_blk_id *id = rig_mem(DATA_GPA, sizeof(*id));

	memset(id, 0xee, sizeof(*id));
	cr_expect_eq(rig_call(0, HVC_BLK_GET_ID, 0, DATA_GPA, 0, 0), 0);
	cr_expect_str_eq((char *)id->serial, "serial-0");
	cr_expect_eq(id->serial[31], 0);
	cr_expect_str_eq((char *)id->model, "arcvisor hvc-blk");
	cr_expect_eq(rig_call(0, HVC_BLK_GET_ID, RIG_DISKS, DATA_GPA, 0, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_GET_ID, 0, RAM_END - 63, 0, 0), -EFAULT);
}

Test(blk_setup, gives_the_interrupt)
{
	struct hvc_blk_queue_config config = rig_config(1, 0, DISK_PLAIN);
	struct hvc_blk_queue_config *seen = rig_mem(CONFIG_GPA, sizeof(*seen));

	cr_expect_eq(rig_setup(1, &config), 0);
	cr_expect_eq(seen->intid, RIG_FIRST_SPI + 1);
	cr_expect_eq(rig_setup(1, &config), 1, "the next number");
}

/* @field = @value in a configuration that is right otherwise: the answer. */
#define WITH(field, value)                                                     \
	({                                                                     \
		struct hvc_blk_queue_config c_ = rig_config(0, 0, DISK_PLAIN); \
		c_.field = (value);                                            \
		rig_setup(0, &c_);                                             \
	})

Test(blk_setup, configurations_that_are_wrong)
{
	cr_expect_eq(WITH(flags, 8), -EINVAL);
	cr_expect_eq(WITH(flags, 0x8000), -EINVAL);
	cr_expect_eq(WITH(reserved[0], 1), -EINVAL);
	cr_expect_eq(WITH(reserved[1], 1ull << 63), -EINVAL);
	cr_expect_eq(WITH(dev, RIG_DISKS), -ENODEV);
	cr_expect_eq(WITH(dev, 0xffff), -ENODEV);
	cr_expect_eq(WITH(vcpu, 1), -EXDEV);
	cr_expect_eq(WITH(vcpu, UINT32_MAX), -EXDEV);
	cr_expect_eq(WITH(irq, 1), -EINVAL);
	cr_expect_eq(WITH(sq_entries, 0), -EINVAL);
	cr_expect_eq(WITH(sq_entries, 3), -EINVAL);
	cr_expect_eq(WITH(sq_entries, 64), -EINVAL, "more than cq_entries");
	cr_expect_eq(WITH(cq_entries, 0), -EINVAL);
	cr_expect_eq(WITH(cq_entries, 48), -EINVAL);
	cr_expect_eq(WITH(cq_entries, 2048), -EINVAL);
	cr_expect_eq(WITH(cq_entries, 0x80000000), -EINVAL);
	cr_expect_eq(WITH(header, RINGS_GPA + 32), -EINVAL);
	cr_expect_eq(WITH(sq, RINGS_GPA + 0x1001), -EINVAL);
	cr_expect_eq(WITH(cq, RINGS_GPA + 0x2010), -EINVAL);
}

Test(blk_setup, areas_that_overlap)
{
	cr_expect_eq(WITH(sq, RINGS_GPA), -EINVAL);
	cr_expect_eq(WITH(sq, RINGS_GPA + 192), -EINVAL);
	cr_expect_eq(WITH(cq, RINGS_GPA + 64), -EINVAL);
	cr_expect_eq(WITH(cq, RINGS_GPA + 0x1000), -EINVAL);
	cr_expect_eq(WITH(cq, RINGS_GPA + 0x1000 - 64), -EINVAL);
	cr_expect_eq(WITH(header, RINGS_GPA + 0x2000 + 448), -EINVAL);
	cr_expect_eq(WITH(cq, RINGS_GPA + 256), 0, "right after the header");
}

Test(blk_setup, areas_outside_memory)
{
	cr_expect_eq(WITH(header, LOW_BASE - 64), -EFAULT);
	cr_expect_eq(WITH(header, RAM_END - 192), -EFAULT);
	cr_expect_eq(WITH(header, UINT64_MAX & ~63ull), -EFAULT);
	cr_expect_eq(WITH(sq, HIGH_BASE - 64), -EFAULT, "over the edge of two regions");
	cr_expect_eq(WITH(sq, UINT64_MAX & ~63ull), -EFAULT);
	cr_expect_eq(WITH(cq, RAM_END), -EFAULT);
	cr_expect_eq(WITH(cq, 0), -EFAULT);
	cr_expect_eq(WITH(header, RAM_END - 256), 0);
}

Test(blk_setup, size_of_the_configuration)
{
	struct hvc_blk_queue_config config = rig_config(0, 0, DISK_PLAIN);
	uint8_t *bytes = rig_mem(CONFIG_GPA, 512);
	uint64_t size;

	memset(bytes, 0, 512);
	memcpy(bytes, &config, sizeof(config));
	for (size = 0; size < 64; size++)
		cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, size, 0, 0), -EINVAL);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, 257, 0, 0), -EINVAL);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, UINT64_MAX, 0, 0), -EINVAL);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, RAM_END - 63, 64, 0, 0), -EFAULT);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, UINT64_MAX - 7, 64, 0, 0), -EFAULT);
	bytes[255] = 1;
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, 256, 0, 0), -E2BIG);
	bytes[255] = 0;
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_SETUP, CONFIG_GPA, 256, 0, 0), 0);
}

Test(blk_setup, as_many_as_there_are_numbers)
{
	struct hvc_blk_queue_config config = rig_config(0, 0, DISK_PLAIN);

	for (unsigned int i = 0; i < HVC_BLK_MAX_QUEUES; i++)
		cr_assert_eq(rig_setup(0, &config), i);
	cr_expect_eq(rig_setup(0, &config), -ENOSPC);
	cr_expect_eq(ctrl(0, 77, HVC_BLK_CTRL_FREE), 0);
	cr_expect_eq(rig_setup(0, &config), 77);
}

Test(blk_setup, ctrl_errors)
{
	struct rig_queue queue;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	cr_expect_eq(ctrl(0, queue.id, 0), -EINVAL);
	cr_expect_eq(ctrl(0, queue.id, 5), -EINVAL);
	cr_expect_eq(ctrl(0, queue.id + 1, HVC_BLK_CTRL_ENABLE), -ENOENT);
	cr_expect_eq(ctrl(0, HVC_BLK_MAX_QUEUES, HVC_BLK_CTRL_ENABLE), -ENOENT);
	cr_expect_eq(ctrl(0, -1, HVC_BLK_CTRL_FREE), -ENOENT);
	for (unsigned int op = 0; op < 6; op++)
		cr_expect_eq(ctrl(1, queue.id, op), -EXDEV);
	cr_expect_eq(rig_doorbell(&queue), 0, "and nothing came of it");
}

Test(blk_setup, life_of_a_queue)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	fake_immediate(false);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_not(rig_get(&queue, &cqe));
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_QUIESCE), 0);
	cr_expect(rig_get(&queue, &cqe), "drained and posted");
	rig_put_rw(&queue, HVC_BLK_OP_READ, 2, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), -ESHUTDOWN);
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_ENABLE), 0);
	fake_immediate(true);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect(rig_get(&queue, &cqe));
	cr_expect_eq(cqe.tag, 2);
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_RESET), 0);
	cr_expect_eq(queue.header->sq_head, 0);
	cr_expect_eq(queue.header->cq_tail, 0);
	cr_expect_eq(rig_doorbell(&queue), -ESHUTDOWN);
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_FREE), 0);
	cr_expect_eq(rig_doorbell(&queue), -ENOENT);
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_FREE), -ENOENT);
}

/* What a freed queue had in flight is over: its memory is the guest's. */
Test(blk_setup, free_waits_for_what_is_in_flight)
{
	struct rig_queue queue;
	uint8_t before[64];

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	fake_immediate(false);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(ctrl(0, queue.id, HVC_BLK_CTRL_FREE), 0);
	cr_expect_eq(fake.drains, 1);
	memset(queue.header, 0x77, sizeof(*queue.header));
	memcpy(before, (uint8_t *)queue.header + 64, sizeof(before));
	hvc_blk_changed(rig.blk, DISK_PLAIN);
	hvc_blk_drain(rig.blk, 0);
	cr_expect_arr_eq((uint8_t *)queue.header + 64, before, sizeof(before));
}
