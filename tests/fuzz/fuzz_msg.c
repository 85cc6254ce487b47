/* fuzz_msg.c: a packet as another daemon may send it.  First byte: who sends
 * to whom (two bits each); second: number of descriptors; then the packet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice packet, body = SLICE_NONE;
	struct msg_ctl_ask ask;
	enum msg id = MSG_NONE;
	uint32_t head[2];
	ssize_t n;

	if (size < 2)
		return 0;
	packet = (struct slice){ (const char *)data + 2, size - 2 };
	if (msg_check(packet, data[1], 1u << (data[0] & 3),
	    1u << (data[0] >> 2 & 3), &id, &body) != MSG_GOOD)
		return 0;
	memcpy(head, packet.p, sizeof(head));
	if (head[0] != id || head[1] != body.n || body.n > BOUND_MESSAGE ||
	    body.p + body.n != packet.p + packet.n ||
	    !strcmp(msg_name(id), "unknown"))
		abort();
	if (id != MSG_CTL_ASK)
		return 0;
	memcpy(&ask, body.p, sizeof(ask));
	n = msg_text(ask.text, sizeof(ask.text));
	if (n >= 0 && (size_t)n != strlen(ask.text))
		abort();
	return 0;
}
