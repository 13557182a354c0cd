/* base/place.h: where a value stands in a document, as a chain on the C stack: a pointer is made only for a fault. */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include "base/problem.h"

struct place {
    const struct place *parent;
    struct str key; /* of a member; key.p is NULL for an item. Without a parent: the pointer of the whole */
    size_t index;   /* of an item */
};

struct str place_pointer(struct arena *a, const struct place *place);

#endif
