/* Any bytes as a body: what is accepted stays within the bounds, and is the
 * same after it was written and parsed again. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	json_t *root, *again;
	char *text;
	int r = json_parse((struct slice){ (const char *)data, size }, &root,
	    &err);

	if (r != JSON_GOOD) {
		if (root || err.len == 0 || !utf8_valid(buf_slice(&err)))
			abort();
		return 0;
	}
	text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text || err.len)
		abort();
	if (json_parse(slice_from(text), &again, &err) == JSON_GOOD) {
		if (json_equal(root, again) != 1)
			abort();
		json_decref(again);
	}
	free(text);
	json_decref(root);
	return 0;
}
