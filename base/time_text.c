#include "base/zone.h"

#include "base/calendar.h"

struct str time_text(struct arena *a, int64_t ms) {
    int64_t days = floor_div(ms, MS_DAY), rest = ms - days * MS_DAY;
    struct date d = date_of_days(days);
    return str_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)d.year, d.month, d.day, (int)(rest / MS_HOUR),
                      (int)(rest / MS_MINUTE % 60), (int)(rest / MS_SECOND % 60), (int)(rest % MS_SECOND));
}

/* Takes n digits from the front. */
static bool take_digits(struct str *s, size_t n, int64_t lo, int64_t hi, int64_t *out) {
    if (s->n < n || s->p[0] == '-' || !str_to_i64((struct str){s->p, n}, lo, hi, out)) return false;
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

static bool take_one_of(struct str *s, char a, char b, char *which) {
    if (!s->n || (s->p[0] != a && s->p[0] != b)) return false;
    *which = s->p[0];
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

static bool take_date(struct str *s, int64_t *days) {
    int64_t year, month, day;
    char c;
    if (!take_digits(s, 4, 0, 9999, &year) || !take_one_of(s, '-', '-', &c)) return false;
    if (!take_digits(s, 2, 1, 12, &month) || !take_one_of(s, '-', '-', &c)) return false;
    if (!take_digits(s, 2, 1, month_days(year, (int)month), &day)) return false;
    *days = date_days((struct date){year, (int)month, (int)day});
    return true;
}

/* Seconds end at 59: a leap second has no instant of its own in milliseconds since 1970. */
static bool take_clock(struct str *s, int64_t *ms) {
    int64_t hour, minute, second;
    char c;
    if (!take_digits(s, 2, 0, 23, &hour) || !take_one_of(s, ':', ':', &c)) return false;
    if (!take_digits(s, 2, 0, 59, &minute) || !take_one_of(s, ':', ':', &c)) return false;
    if (!take_digits(s, 2, 0, 59, &second)) return false;
    *ms = hour * MS_HOUR + minute * MS_MINUTE + second * MS_SECOND;
    if (!take_one_of(s, '.', '.', &c)) return true;
    int64_t digit, place = 100;
    if (!s->n) return false;
    for (size_t n = 0;; n++, place /= 10) { /* digits beyond the third have place 0: they are cut */
        if (!take_digits(s, 1, 0, 9, &digit)) return n > 0;
        *ms += digit * place;
    }
}

static bool take_offset(struct str *s, int64_t *ms) {
    int64_t hours, minutes;
    char sign;
    *ms = 0;
    if (take_one_of(s, 'Z', 'z', &sign)) return true;
    if (!take_one_of(s, '+', '-', &sign) || !take_digits(s, 2, 0, 23, &hours)) return false;
    char colon;
    if (!take_one_of(s, ':', ':', &colon) || !take_digits(s, 2, 0, 59, &minutes)) return false;
    *ms = (hours * MS_HOUR + minutes * MS_MINUTE) * (sign == '-' ? -1 : 1);
    return true;
}

bool time_parse(struct str s, int64_t *ms) {
    int64_t days, clock, offset;
    char t;
    if (!take_date(&s, &days) || !take_one_of(&s, 'T', 't', &t) || !take_clock(&s, &clock) || !take_offset(&s, &offset) || s.n)
        return false;
    *ms = days * MS_DAY + clock - offset;
    return true;
}
