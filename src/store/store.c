/* store.c: see dockbroker/store.h. */
#include "dockbroker/store.h"
