/* fuzz_dockerfile.c: what a Dockerfile takes; line ends of either kind are the same. */
#include "dockbroker/archive.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *arg, enum dockerfile_what what, struct slice text)
{
	if (what == DOCKERFILE_IMAGE && text.n == 0)
		abort();
	buf_addc(arg, (char)('0' + what));
	buf_adds(arg, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dockerfile_arg args[] = {
		{ SLICE("A"), SLICE("a/b:c") }, { SLICE("B"), SLICE("") }
	};
	_cleanup_(buf_free) struct buf a = BUF(1 << 26), b = BUF(1 << 26), crlf = BUF(1 << 22);
	struct slice text = { (const char *)data, size };

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\r')
			return 0;
		if (data[i] == '\n')
			buf_addc(&crlf, '\r');
		buf_addc(&crlf, (char)data[i]);
	}
	if (dockerfile_read(text, args, countof(args), note, &a) < 0 ||
	    dockerfile_read(buf_slice(&crlf), args, countof(args), note, &b) < 0 ||
	    !slice_equal(buf_slice(&a), buf_slice(&b)))
		abort();
	return 0;
}
