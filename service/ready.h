/* service/ready.h: whether this process could do its work now (/readyz). */
#ifndef SERVICE_READY_H
#define SERVICE_READY_H

#include "service/service.h"

struct readiness {
    bool ready;
    bool database;         /* answers */
    bool schema;           /* every statement of the catalogue fits the tables */
    bool durable;          /* the server keeps what it acknowledged */
    bool unsafe;           /* setting unsafe_durability: durable or not, it is ready */
    const char *memcached; /* "ok", "away" or "none"; decides nothing */
};
void service_readiness(struct service *s, struct arena *a, struct readiness *out);

struct page;
/* Writes into the shared page what has just been seen of the database, and asks memcached for its part. */
void service_tell_page(struct service *s, struct page *page, bool database);

/* Compares the catalogue with the tables and logs what does not fit; false: the database is away, ask again later. */
bool service_verify_schema(struct service *s, struct arena *a, bool *fits);

#endif
