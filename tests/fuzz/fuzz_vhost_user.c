/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a back end of vhost-user answers: the input is all that it ever says, then it closes.
 * However it goes, the device's registers answer, and what it has of the back end's is within its
 * bounds.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virtio/vhost.h"
#include "virtio_machine.h"

#define QUEUES 2u

/* Bytes that are likely to be an answer: the header of one, and the input behind it. */
static size_t make_answers(struct fuzz_input *in, uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (in->left && at + 64 < size) {
		uint32_t head[3] = { fuzz_upto(in, 24), fuzz_u8(in) & 1 ? 5 : fuzz_u8(in),
				     fuzz_u8(in) & 1 ? 8 : fuzz_u8(in) };
		unsigned int len = fuzz_upto(in, 48);

		if (fuzz_u8(in) & 1)
			len = head[2] < 48 ? head[2] : 48;
		memcpy(bytes + at, head, sizeof(head));
		at += sizeof(head);
		fuzz_take(in, bytes + at, len);
		at += len;
	}
	return at;
}

static void talk(struct fuzz_input *in, struct vhost_link *link)
{
	uint8_t space[VHOST_MAX_CONFIG];
	uint64_t val;

	for (unsigned int i = 0; i < 16; i++) {
		int ret = 0;

		switch (fuzz_upto(in, 4)) {
		case 0:
			ret = vhost_get_features(link, &val);
			break;
		case 1:
			ret = vhost_set_protocol_features(link, fuzz_u8(in));
			break;
		case 2:
			ret = vhost_get_config(link, space, fuzz_upto(in, 255));
			break;
		case 3:
			ret = vhost_set_mem_table(link, &machine.mem);
			break;
		default:
			ret = vhost_stop_queue(link, fuzz_upto(in, 3));
			break;
		}
		fuzz_check(ret == 0 || ret == -EPIPE || ret == -EPROTO || ret == -EREMOTEIO);
		if (ret < 0)
			return;
	}
}

/* A device whose connection is that: up, down, and away. */
static void run_device(struct fuzz_input *in, struct vhost_end *end)
{
	struct vvhost *vvhost;

	fuzz_check(vvhost_create(end, &machine.mem, &vvhost) == 0);
	machine_add(vvhost_device(vvhost));
	bring_up(in, 0, QUEUES);
	put(0x50, fuzz_u8(in));
	put(0x70, 0);
	fuzz_check(virtio_mmio_ops.read(machine.mmio, 0x70, 4) == 0);
	vvhost_stop(vvhost);
	virtio_mmio_destroy(machine.mmio);
	vvhost_destroy(vvhost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t answers[4096];
	struct fuzz_input in = { data, size };
	const struct vhost_config config = {
		.kind = VHOST_FS,
		.id = "fuzz",
		.tag = "fuzz",
		.socket = "/nowhere/at/all",
	};
	struct vhost_end end = { .config = &config, .pid = -1, .features = fuzz_u64(&in) };
	uint8_t how = fuzz_u8(&in);
	struct fuzz_input steps = in;
	int ends[2];

	machine_init();
	fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	size = make_answers(&in, answers, sizeof(answers));
	fuzz_check(send(ends[1], answers, size, 0) == (ssize_t)size);
	shutdown(ends[1], SHUT_WR);
	end.link = (struct vhost_link){ .fd = ends[0], .acks = how & 1 };
	if (how & 2)
		talk(&steps, &end.link);
	else
		run_device(&steps, &end);
	if (end.link.fd >= 0)
		close(end.link.fd);
	close(ends[1]);
	gmem_fini(&machine.mem);
	return 0;
}
