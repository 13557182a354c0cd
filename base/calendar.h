/* base/calendar.h: days and dates of the Gregorian calendar, without a clock and without zones. */
#ifndef BASE_CALENDAR_H
#define BASE_CALENDAR_H

#include <stdint.h>

struct date {
    int64_t year;
    int month, day; /* 1 … 12, 1 … 31 */
};

int64_t date_days(struct date d); /* days since 1970-01-01; month 13 is the next January */
struct date date_of_days(int64_t days);
int month_days(int64_t year, int month); /* 28 … 31 */
int day_of_week(int64_t days);           /* Monday 1 … Sunday 7 */
int64_t floor_div(int64_t a, int64_t b); /* towards minus infinity; b > 0 */

#endif
