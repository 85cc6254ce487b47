/* peer.h: who connected, by the kernel. */
#ifndef DOCKBROKER_BROKER_PEER_H
#define DOCKBROKER_BROKER_PEER_H

#include "dockbroker/base.h"
#include "dockbroker/proc.h"

enum peer_outcome { PEER_GOOD, PEER_REFUSED };
/* own: our own container's id or "".  containers: peers from containers are
 * welcome.  On PEER_REFUSED why says it in one sentence; w holds what is known. */
int peer_identify(int fd, bool containers, const char *own, struct who *w,
    const char **why) _must_check_;
void peer_own_container(char out[65]);

/* Parsers of /proc, for the tests. */
bool peer_parse_stat(char *text, struct who *w);
void peer_parse_cgroup(const char *text, char out[65]);
bool peer_parse_nspid(const char *fdinfo, bool *other);

#endif
