#include "base/calendar.h"

/* Years are counted from March, so that the leap day is a year's last: then the days before a month are (153 m + 2) / 5. 400 years are
 * always 146,097 days; 719,468 of them lie between 0000-03-01 and 1970-01-01. */
enum { DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int64_t date_days(struct date d) {
    int64_t year = d.year + (d.month - 1) / 12, month = (d.month - 1) % 12;
    int64_t from_march = (month + 10) % 12;
    if (month < 2) year--;
    int64_t era = floor_div(year, 400), in_era = year - era * 400;
    int64_t day_of_year = (153 * from_march + 2) / 5 + d.day - 1;
    return era * DAYS_OF_400_YEARS + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year - DAYS_TO_1970;
}

struct date date_of_days(int64_t days) {
    int64_t shifted = days + DAYS_TO_1970, era = floor_div(shifted, DAYS_OF_400_YEARS), in_era = shifted - era * DAYS_OF_400_YEARS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t day_of_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    return (struct date){
        .year = era * 400 + year + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
    };
}

int month_days(int64_t year, int month) {
    return (int)(date_days((struct date){year, month + 1, 1}) - date_days((struct date){year, month, 1}));
}

int day_of_week(int64_t days) { /* 1970-01-01 was a Thursday */
    return (int)(days + 3 - floor_div(days + 3, 7) * 7) + 1;
}
