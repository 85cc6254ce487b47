/* Any bytes as dockbroker.conf: faults are told in printable UTF-8, and what
 * is accepted has every text terminated. */
#include <stdlib.h>
#include <string.h>

#include "dockbroker/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);
	static struct config c;
	int r = config_parse(&c, "fuzz.conf",
	    (struct slice){ (const char *)data, size }, &err);

	if ((r == CONFIG_BAD) != (err.len > 0) || !utf8_valid(buf_slice(&err)))
		abort();
	for (size_t i = 0; i < err.len; i++)
		if ((unsigned char)err.p[i] < ' ' && err.p[i] != '\n' &&
		    err.p[i] != '\t')
			abort();
	if (c.run_dir[0] != '/' || strlen(c.policy) >= sizeof(c.policy))
		abort();
	for (size_t i = 0; r == CONFIG_GOOD && i < c.nservices; i++)
		if (c.services[i].path[0] != '/' || c.services[i].mode > 0777 ||
		    strlen(c.services[i].path) >= sizeof(c.services[i].path))
			abort();
	return 0;
}
