#include "base/place.h"

struct str place_pointer(struct arena *a, const struct place *place) {
    if (!place->parent) return place->key;
    struct str parent = place_pointer(a, place->parent);
    return place->key.p ? pointer_child(a, parent, place->key) : pointer_index(a, parent, place->index);
}
