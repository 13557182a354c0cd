/* http/serve.c: the phases of requests, in an order that is the security policy (DESIGN 3).
 *
 * A request is refused by the first phase that finds something, and no later one sees it. What a refusal says never depends on what
 * only a later phase may know. */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/headers.h"
#include "http/route.h"
#include "service/members.h"
#include "service/shared.h"

/* ---- authentication: once for all ---- */

/* One reading of the keys for the set; as soon as one of its requests writes, none of them may be judged by an old record. A record has the
 * tenant's version too: who reads the configuration sees at once what was written. */
static void authenticate(struct serving *set, enum problem *problems) {
    struct str *bearers = NEW_ARRAY(set->arena, struct str, set->n);
    size_t *at = NEW_ARRAY(set->arena, size_t, set->n), n = 0;
    struct credential *who = NEW_ARRAY(set->arena, struct credential, set->n);
    enum problem *found = NEW_ARRAY(set->arena, enum problem, set->n);
    int64_t max_age_ms = KEY_STALE_MS;
    for (size_t i = 0; i < set->n; i++) {
        const struct request *r = set->requests[i];
        if (problems[i] != P_OK || r->route->scope == SCOPE_NONE) continue;
        if (r->route->method != METHOD_GET || r->route->now || r->route->scope == SCOPE_CONFIG_READ) max_age_ms = 0;
        bearers[n] = bearer_of(r->authorization);
        at[n++] = i;
    }
    if (n == 0) return;
    keys_authenticate(set->service, set->arena, bearers, n, max_age_ms, set->requests[0]->now_ms, who, found);
    for (size_t k = 0; k < n; k++) {
        struct request *r = set->requests[at[k]];
        r->who = who[k];
        problems[at[k]] = found[k];
        if (found[k] == P_UNAUTHENTICATED) {
            const char *why =
                "send the header field Authorization: Bearer, with a key or token that is valid"; /* one text for all causes */
            fault_say(&r->faults, P_UNAUTHENTICATED, "%s", who[k].why != NULL ? who[k].why : why);
        }
        if (found[k] == P_UNAVAILABLE) {
            r->faults.retry_after = 1;
            fault_say(&r->faults, P_UNAVAILABLE, "the credential cannot be checked at the moment; send the same request again");
        }
    }
}

/* A member token sees its own member only, by one name: whether another member exists is not even looked up. */
static enum problem authorise_token(struct request *r) {
    if (!r->route->self)
        return fault_say(&r->faults, P_SCOPE, "this needs a key with the scope %s", scope_name((enum scope)r->route->scope));
    if (!str_is(r->params[0], "me"))
        return fault_say(&r->faults, P_SCOPE, "a member token is for its own member, who is called \"me\" here");
    r->params[0] = r->who.member_id;
    r->member = r->who.member;
    return P_OK;
}

static enum problem authorise(struct request *r) {
    const struct route *route = r->route;
    if (route->scope == SCOPE_NONE) return P_OK;
    if ((r->who.scopes & SCOPE_SELF) != 0) return authorise_token(r);
    if (route->operators_too && r->who.tenant.id.v == 0 && (r->who.scopes & SCOPE_OPERATOR) != 0) return P_OK;
    bool right_kind = (route->scope == SCOPE_OPERATOR) == (r->who.tenant.id.v == 0);
    if (right_kind && (r->who.scopes & route->scope) != 0) return P_OK;
    const char *whose = right_kind                ? ""
                        : r->who.tenant.id.v == 0 ? "; this is an operator's key: take a tenant's"
                                                  : "; only an operator's key has it";
    return fault_say(&r->faults, P_SCOPE, "this needs a credential with the scope %s%s", scope_name((enum scope)route->scope), whose);
}

/* ---- what the row says about the rest ---- */

static enum problem check_key(struct request *r) {
    enum idempotency wanted = r->route->idempotency;
    if (wanted == IDEMPOTENCY_NONE || (wanted == IDEMPOTENCY_OPTIONAL && r->idempotency_key.n == 0 && r->n_keys <= 1)) return P_OK;
    if (r->idempotency_key.n == 0 && r->n_keys <= 1) {
        return fault_say(&r->faults, P_KEY_MISSING,
                         "send a header field Idempotency-Key of your choice, and the same one when you repeat the request");
    }
    if (r->n_keys <= 1 && idempotency_key_parse(r->arena, r->idempotency_key, &r->idempotency_key)) return P_OK;
    return fault_say(&r->faults, P_KEY_INVALID,
                     "an Idempotency-Key stands once and has 1 to %d characters of visible ASCII, within quotes or bare",
                     (int)KEY_CHARS_MAX);
}

/* A condition that nobody looks at may not be taken for one that holds (RFC 9110, 13.1.1); so an empty one is not taken for none. */
static enum problem check_condition(struct request *r) {
    enum etag_form form = r->route->method == METHOD_GET ? r->route->etag : r->route->if_match;
    if (r->n_matches == 0) return P_OK;
    if (form == ETAG_NONE) return fault_say(&r->faults, P_NO_ETAG, "nothing at this address has an ETag: send it without If-Match");
    if (r->n_matches == 1 && etags_are_valid(r->if_match)) return P_OK;
    return fault_say(&r->faults, P_BAD_REQUEST,
                     "If-Match must stand once and be an ETag in its quotes, as this address gave it, such as \"v7\"");
}

static bool is_taken(const struct route *route, struct str type) {
    if (is_json_type(type)) return true;
    if (route->merge_patch && media_type_is(type, "application/merge-patch+json")) return true;
    return route->cloudevents &&
           (media_type_is(type, "application/cloudevents+json") || media_type_is(type, "application/cloudevents-batch+json"));
}

/* What comes with a read is not looked at; a write that passed over its body would seem to have done what stands there. */
static enum problem check_no_body(struct request *r) {
    if (r->method == METHOD_GET || (!r->body_too_large && (r->body.n == 0 || str_is(r->body, "{}")))) return P_OK;
    return fault_say(&r->faults, P_BAD_REQUEST, "this address takes no body");
}

static enum problem check_body(struct request *r) {
    const struct route *route = r->route;
    if (route->body_max == 0) return check_no_body(r);
    if (r->n_types > 1 || header_joined(r->content_type))
        return fault_say(&r->faults, P_BAD_REQUEST, "the header field Content-Type is there twice");
    if (r->body_too_large || r->body.n > route->body_max) {
        return fault_say(&r->faults, P_BODY_TOO_LARGE, "the body has at most %zu bytes", route->body_max);
    }
    if (!is_plain(r->content_encoding)) {
        return fault_say(&r->faults, P_MEDIA_TYPE, "the body must come as it is: Content-Encoding is not taken");
    }
    if (r->body.n == 0 && route->cloudevents && r->ce.n > 0) { /* in binary mode: an event without data */
        r->json = (struct json){.type = JSON_NULL};
        return P_OK;
    }
    bool absent = r->body.n == 0 && route->body_optional;
    if (r->body.n == 0 && !absent) return fault_say(&r->faults, P_MALFORMED_JSON, "the body is empty");
    if (!absent && !is_taken(route, r->content_type)) {
        const char *others = route->cloudevents   ? ", or a type of CloudEvents"
                             : route->merge_patch ? " or application/merge-patch+json"
                                                  : "";
        return fault_say(&r->faults, P_MEDIA_TYPE, "send the header field Content-Type: application/json%s", others);
    }
    enum problem p = json_parse(r->arena, absent ? STR("{}") : r->body, &r->json, &r->faults);
    if (p != P_OK || route->body == NULL) return p;
    r->shaped = arena_alloc(r->arena, route->body->size);
    return shape_read(route->body, &r->json, STR(""), r->arena, r->shaped, &r->faults);
}

static enum problem limit(struct serving *set, struct request *r, size_t cost, size_t paid) {
    struct rate_use use = {r->route->rate, str_of(r->route->name), (int64_t)cost, (int64_t)paid};
    return rates_take(set->service, &r->who, &use, &r->rates, &r->faults);
}

static enum problem check(struct serving *set, struct request *r) {
    enum problem p = authorise(r);
    if (p == P_OK) p = limit(set, r, 1, 0);
    if (p == P_OK) p = query_check(r, r->route->query);
    if (p == P_OK) p = check_condition(r);
    if (p == P_OK) p = check_key(r);
    return p == P_OK ? check_body(r) : p;
}

struct write_key request_write_key(struct service *s, const struct request *r) {
    const struct tenant_keys *keys = service_tenant_keys(s, r->who.tenant.id);
    struct hash16 key = crypto_hmac16(&keys->identity, r->idempotency_key); /* the text may name a person: it is not kept */
    return (struct write_key){
        .tenant = r->who.tenant.id,
        .key_id = r->who.key_id,
        .member = r->who.member,
        .route = str_of(r->route->name),
        .key = {arena_copy(r->arena, key.b, sizeof key.b), sizeof key.b},
        .fingerprint = request_fingerprint(&keys->identity, str_of(method_name(r->method)), r->path, r->body),
    };
}

/* ---- what the client has already ---- */

static void compare(struct request *r, struct response *out) {
    enum etag_form form = r->route->etag;
    if (form == ETAG_NONE || out->status != 200) return;
    if (form != ETAG_VERSION) out->etag = text_etag(r->arena, out->body);
    if (form == ETAG_BODY) out->etag = str_printf(r->arena, "W/" STR_FMT, STR_ARG(out->etag));
    if (r->if_match.n > 0 && !etag_matched(r->if_match, out->etag)) {
        fault_say(&r->faults, P_VERSION, "it has another ETag by now, or a weak one, which never matches");
        problem_answer(r, P_VERSION, out);
        return;
    }
    if (r->if_none_match.n == 0 || !etag_listed(r->if_none_match, out->etag)) return;
    out->status = 304;
    out->body = STR("");
}

/* An array counts its items (SEMANTICS 33). One of them was counted before it was read. */
static enum problem collect(struct serving *set, struct work *work) {
    struct request *r = work->request;
    enum problem p = r->route->collect(r, work);
    return p == P_OK && work->n > 1 ? limit(set, r, work->n, 1) : p;
}

/* ---- settling: items of several requests as one set ---- */

static int64_t deadline_us(const struct request *r) { return r->arrived_us + REQUEST_DEADLINE_MS * 1000; }

/* Settles the items of some works together, each within the deadline of its own request. */
static void settle(struct serving *set, struct work *const *works, size_t n_works) {
    size_t n = 0;
    for (size_t i = 0; i < n_works; i++) n += works[i]->n;
    struct item *all = NEW_ARRAY(set->arena, struct item, n);
    set->n_items += n;
    int64_t last_us = 0;
    n = 0;
    for (size_t i = 0; i < n_works; i++) { /* from here on the items live in the set's arena, side by side */
        if (works[i]->n > 0) memcpy(all + n, works[i]->items, works[i]->n * sizeof *all);
        works[i]->items = all + n;
        int64_t until_us = deadline_us(works[i]->request);
        for (size_t k = 0; k < works[i]->n; k++) all[n + k].deadline_us = until_us;
        if (until_us > last_us) last_us = until_us;
        n += works[i]->n;
    }
    service_deadline(set->service, last_us);
    if (n > 0) settle_items(set->service, set->arena, all, n, works[0]->request->now_ms);
    service_deadline(set->service, 0);
}

static void answered(struct serving *set, size_t i) {
    MUST(set->responses[i].status != 0);
    if (set->answered != NULL) set->answered(set, i);
    suspect_forgive(set->service, set->requests[i]->name, set->responses[i].problem); /* any identical one: it fells nobody */
}

static void refuse(struct serving *set, size_t i, enum problem p) {
    problem_answer(set->requests[i], p, &set->responses[i]);
    answered(set, i);
}

/* Whether all of a work is settled; what fell with a worker before is left for the end. */
static bool is_settled(const struct work *w) {
    for (size_t i = 0; i < w->n; i++) {
        if (w->items[i].alone) return false;
    }
    return true;
}

/* Requests are told apart by all that they say, before anybody has looked at it. */
static uint64_t name_of(const struct service *s, const struct request *r) {
    struct str parts[7] = {str_of(method_name(r->method)), r->uri, r->authorization, r->idempotency_key, r->content_type, r->body};
    struct str id = STR("");
    for (size_t i = 0; i < r->ce.n; i++) {
        if (str_is(r->ce.items[i].name, "id")) id = r->ce.items[i].value;
    }
    parts[6] = id;
    return suspect_hash(s, parts, COUNT(parts));
}

/* An item keeps its event, its identity and its answer in one place; that it came to the right request is checked all the same. */
static void give_answer(struct serving *set, struct work *work, size_t i) {
    MUST(work->request == set->requests[i]);
    for (size_t k = 0; k < work->n; k++) MUST(work->items[k].tenant.id.v == set->requests[i]->who.tenant.id.v);
    service_hold(set->service, &set->requests[i]->name, 1);
    set->requests[i]->route->answer(work, &set->responses[i]);
    answered(set, i);
}

/* The single items of all requests are one set; an array is one of its own, after the singles have their answers (MECHANICS 4). Suspects
 * come last, when nobody waits behind them. */
static void settle_all(struct serving *set, struct work *works, const enum problem *problems) {
    struct work **singles = NEW_ARRAY(set->arena, struct work *, set->n);
    size_t n_singles = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (problems[i] == P_OK && set->requests[i]->route->collect != NULL && !works[i].array) singles[n_singles++] = &works[i];
    }
    if (n_singles > 0) settle(set, singles, n_singles);
    for (size_t k = 0; k < n_singles; k++) {
        if (is_settled(singles[k])) give_answer(set, singles[k], (size_t)(singles[k] - works));
    }
    for (size_t i = 0; i < set->n; i++) {
        if (problems[i] != P_OK || set->requests[i]->route->collect == NULL || !works[i].array) continue;
        struct work *work = &works[i];
        settle(set, &work, 1);
        if (is_settled(work)) give_answer(set, work, i);
    }
    for (size_t i = 0; i < set->n; i++) {
        if (problems[i] != P_OK || set->requests[i]->route->collect == NULL || is_settled(&works[i])) continue;
        for (size_t k = 0; k < works[i].n; k++) {
            if (works[i].items[k].alone) settle_alone(set->service, set->arena, &works[i].items[k], set->requests[i]->now_ms);
        }
        give_answer(set, &works[i], i);
    }
}

/* ---- all phases, for those of the requests that have P_OK so far; the others are left alone ---- */

static void hold(struct serving *set, const enum problem *problems) {
    uint64_t *names = NEW_ARRAY(set->arena, uint64_t, set->n);
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (problems[i] == P_OK) names[n++] = set->requests[i]->name;
    }
    service_hold(set->service, names, n);
}

/* The members of all requests that are for one member's rows, in one statement. Who waits alone asks by itself. */
static void read_ahead(struct serving *set, const enum problem *problems) {
    struct member_name *names = NEW_ARRAY(set->arena, struct member_name, set->n);
    size_t n = 0;
    int64_t last_us = 0;
    for (size_t i = 0; i < set->n; i++) {
        const struct request *r = set->requests[i];
        if (problems[i] != P_OK || !r->route->glance) continue;
        names[n++] = (struct member_name){r->who.tenant.id, r->params[0]};
        if (deadline_us(r) > last_us) last_us = deadline_us(r);
    }
    if (n < 2) return;
    service_deadline(set->service, last_us);
    members_ahead(set->service, set->arena, names, n);
    service_deadline(set->service, 0);
}

static void handle(struct serving *set, size_t i) {
    struct request *r = set->requests[i];
    service_hold(set->service, &r->name, 1);
    service_deadline(set->service, deadline_us(r));
    r->route->handle(set->service, r, &set->responses[i]);
    service_deadline(set->service, 0);
    compare(r, &set->responses[i]);
    answered(set, i);
}

static void serve_some(struct serving *set, enum problem *problems) {
    struct work *works = NEW_ARRAY(set->arena, struct work, set->n);
    bool *now = NEW_ARRAY(set->arena, bool, set->n);
    hold(set, problems);
    for (size_t i = 0; i < set->n; i++) {
        struct request *r = set->requests[i];
        now[i] = problems[i] == P_OK;
        if (now[i]) problems[i] = route_match(set->table, r, &set->responses[i].allow);
    }
    authenticate(set, problems);
    for (size_t i = 0; i < set->n; i++) {
        struct request *r = set->requests[i];
        works[i].request = r;
        if (problems[i] == P_OK) problems[i] = check(set, r);
        if (problems[i] == P_OK && r->route->collect != NULL) problems[i] = collect(set, &works[i]);
        if (problems[i] != P_OK && now[i]) refuse(set, i, problems[i]);
    }
    read_ahead(set, problems);
    for (size_t i = 0; i < set->n; i++) {
        if (problems[i] == P_OK && set->requests[i]->route->glance) handle(set, i);
    }
    members_ahead_forget(set->service);
    for (size_t i = 0; i < set->n; i++) {
        const struct route *route = set->requests[i]->route;
        if (problems[i] == P_OK && route->handle != NULL && !route->glance) handle(set, i);
    }
    settle_all(set, works, problems);
}

bool serve_is_glance(struct service *s, const struct route_table *table, struct request *r) {
    struct str allow;
    r->faults = faults_new(r->arena);
    r->name = name_of(s, r);
    service_hold(s, &r->name, 1); /* whoever fells the worker already here is known by name */
    return route_match(table, r, &allow) == P_OK && r->route->glance;
}

/* Who fell with a worker before is served after the others and by itself; after the second time, not at all (MECHANICS 4). */
void serve(struct serving *set) {
    enum problem *problems = NEW_ARRAY(set->arena, enum problem, set->n), *only = NEW_ARRAY(set->arena, enum problem, set->n);
    int64_t now_ms = clock_now_ms();
    size_t n_alone = 0;
    for (size_t i = 0; i < set->n; i++) {
        struct request *r = set->requests[i];
        r->now_ms = now_ms;
        r->faults = faults_new(r->arena);
        if (r->name == 0) r->name = name_of(set->service, r);
        enum suspicion suspicion = suspect_look(set->service, r->name, &r->faults);
        r->alone = suspicion == SUSPECT_ALONE;
        if (r->alone) n_alone++;
        problems[i] = suspicion == SUSPECT_NOT ? P_OK : P_QUARANTINED;
        if (suspicion == SUSPECT_REFUSED) refuse(set, i, P_QUARANTINED);
    }
    serve_some(set, problems);
    for (size_t i = 0; i < set->n && n_alone > 0; i++) {
        if (!set->requests[i]->alone) continue;
        for (size_t k = 0; k < set->n; k++) only[k] = k == i ? P_OK : P_QUARANTINED;
        serve_some(set, only);
    }
    service_hold(set->service, NULL, 0);
}
