/* base/banned.h: forced in front of every source file (-include): the functions of the C library that nobody here may call.
 *
 * They write without a bound, read numbers without saying that they failed, share a static result, start a shell, or
 * change how numbers are written and read (setlocale: JSON has a decimal point everywhere).
 * Each becomes a name that does not exist and says what to use. The headers that declare them are read first, so that only
 * our own calls are meant. _GNU_SOURCE is set here because it has to stand before the first of these headers. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef stpcpy
#undef strtok
#undef sprintf
#undef vsprintf
#undef gets
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef rand
#undef srand
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef system
#undef popen
#undef setlocale

#define strcpy(...)    strcpy_is_banned_use_str_copy
#define strcat(...)    strcat_is_banned_use_struct_buf
#define strncpy(...)   strncpy_is_banned_use_str_copy
#define strncat(...)   strncat_is_banned_use_struct_buf
#define stpcpy(...)    stpcpy_is_banned_use_struct_buf
#define strtok(...)    strtok_is_banned_use_str_cut
#define sprintf(...)   sprintf_is_banned_use_str_printf
#define vsprintf(...)  vsprintf_is_banned_use_vsnprintf
#define gets(...)      gets_is_banned
#define atoi(...)      atoi_is_banned_use_str_to_i64
#define atol(...)      atol_is_banned_use_str_to_i64
#define atoll(...)     atoll_is_banned_use_str_to_i64
#define atof(...)      atof_is_banned_use_json_parse
#define rand(...)      rand_is_banned_use_base_crypto
#define srand(...)     srand_is_banned_use_base_crypto
#define gmtime(...)    gmtime_is_banned_use_gmtime_r
#define localtime(...) localtime_is_banned_use_localtime_r
#define ctime(...)     ctime_is_banned_use_time_text
#define asctime(...)   asctime_is_banned_use_time_text
#define system(...)    system_is_banned_it_starts_a_shell
#define popen(...)     popen_is_banned_it_starts_a_shell
#define setlocale(...) setlocale_is_banned_numbers_have_a_point

#endif
