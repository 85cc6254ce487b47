/* open_int.h: between open.c, the frame, and open_path.c, what runs as the user. */
#ifndef DOCKBROKER_OCI_OPEN_INT_H
#define DOCKBROKER_OCI_OPEN_INT_H

#include "oci/place_int.h"

/* How far it came. */
enum open_step {
	OPEN_ACCOUNT,		/* NSS did not answer */
	OPEN_UNKNOWN,		/* there is no such account */
	OPEN_OTHER,		/* the account has another uid now */
	OPEN_BECOME,
	OPEN_WITHIN,
	OPEN_LINK,		/* what the policy names leads through somebody's link */
	OPEN_MAKE,
	OPEN_SOURCE,
	OPEN_KIND,
	OPEN_READ,
	OPEN_DONE
};

struct opened {
	enum open_step step;
	int error;		/* errno of that step */
	int fd, within;
};

/* Opens m->source and m->within with the rights that we have.  Ends at the
 * first step that fails; what is open then is for the caller to close. */
void open_source(const struct guard_mount *m, struct opened *o);

#endif
