/* archive.c: see dockbroker/archive.h. */
#include "dockbroker/archive.h"
