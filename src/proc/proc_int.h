/*
 * proc_int.h: what the files of this layer share and nobody else needs.
 */
#ifndef PROC_INT_H
#define PROC_INT_H

#include "dockbroker/proc.h"

/* Memory of BOUND_MESSAGE and a header that one callback at a time may use,
 * one per loop instead of one per channel; NULL without memory. */
void *loop_scratch(struct loop *l);

/* msg.def's word on a message of ours. */
bool msg_permits(enum msg id, size_t n, size_t nfds, enum party from,
    enum party to);

/* user_lookup, and the account's name; "" when the uid has none. */
int user_entry(const char *user, uint32_t *uid, uint32_t *gid,
    char name[BOUND_NAME]) _must_check_;

#endif
