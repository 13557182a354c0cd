/* handlers/process.c: /healthz (the process lives), /readyz (it could do its work) and /metrics (what all have counted), by the private
 * listener only. */
#include "handlers/handlers.h"
#include "handlers/routes.h"
#include "service/metrics.h"
#include "service/ready.h"

void health_get(struct service *s, struct request *r, struct response *out) {
    (void)s;
    (void)r;
    *out = (struct response){.status = 200, .body = STR("{\"status\":\"ok\"}")};
}

static const char *durability_name(const struct readiness *ready) {
    if (!ready->database) return "unknown";
    if (ready->durable) return "ok";
    return ready->unsafe ? "unsafe, as set" : "unsafe";
}

/* "checks":{…} */
static struct str checks_text(struct arena *a, const struct readiness *ready) {
    struct buf b = buf_new(a, 1024);
    buf_z(&b, "\"checks\":");
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "database");
    json_put_z(&w, ready->database ? "ok" : "away");
    json_key(&w, "schema");
    json_put_z(&w, !ready->database ? "unknown" : ready->schema ? "ok" : "wrong");
    json_key(&w, "durability");
    json_put_z(&w, durability_name(ready));
    json_key(&w, "memcached");
    json_put_z(&w, ready->memcached);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

void readiness_get(struct service *s, struct request *r, struct response *out) {
    struct readiness ready;
    service_readiness(s, r->arena, &ready);
    struct str checks = checks_text(r->arena, &ready);
    if (!ready.ready) {
        r->faults.extra = checks;
        r->faults.retry_after = 1;
        fault_say(&r->faults, P_UNAVAILABLE, "one of the checks does not hold");
        problem_answer(r, P_UNAVAILABLE, out);
        return;
    }
    *out = (struct response){.status = 200, .body = str_printf(r->arena, "{\"status\":\"ready\"," STR_FMT "}", STR_ARG(checks))};
}

void metrics_get(struct service *s, struct request *r, struct response *out) {
    struct metric_route *routes = NEW_ARRAY(r->arena, struct metric_route, route_table.n);
    for (size_t i = 0; i < route_table.n; i++) {
        routes[i] = (struct metric_route){method_name(route_table.rows[i].method), route_table.rows[i].name};
    }
    *out = (struct response){
        .status = 200,
        .content_type = "text/plain; version=0.0.4; charset=utf-8",
        .body = metrics_render(s, r->arena, routes, route_table.n),
    };
}
