#include "service/ready.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"
#include "shm/page.h"

bool service_verify_schema(struct service *s, struct arena *a, bool *fits) {
    struct str error;
    enum db_result r = db_verify_catalogue(s->db, a, &error);
    *fits = r == DB_OK;
    if (r == DB_GONE || r == DB_UNKNOWN) return false;
    if (r != DB_OK) log_line(LOG_ERROR, "schema", "what=\"the tables do not fit this program\" first=%s", log_quote(a, error));
    return true;
}

void service_readiness(struct service *s, struct arena *a, struct readiness *out) {
    *out = (struct readiness){.unsafe = s->settings.unsafe_durability != 0};
    out->database = db_ping(s->db) == DB_OK;
    if (out->database) out->database = service_verify_schema(s, a, &out->schema);
    if (out->database) out->database = db_durable(s->db, a, &out->durable) == DB_OK;
    out->memcached = cache_state_name(cache_ask(s->cache));
    out->ready = out->database && out->schema && (out->durable || out->unsafe);
}

void service_tell_page(struct service *s, struct page *page, bool database) {
    static const enum probe_state states[] = {[CACHE_NONE] = PROBE_NONE, [CACHE_OK] = PROBE_OK, [CACHE_AWAY] = PROBE_AWAY};
    page_probed(&page->database, database ? PROBE_OK : PROBE_AWAY, clock_monotonic_us());
    page_probed(&page->cache, states[cache_ask(s->cache)], clock_monotonic_us());
}
