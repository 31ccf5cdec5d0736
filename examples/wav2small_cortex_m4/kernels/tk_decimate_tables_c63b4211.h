/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of tk_35daa43e_decimate: with a section for each object, a rate that is not used costs no
 * flash. */
#ifndef TK_DECIMATE_TABLES_H
#define TK_DECIMATE_TABLES_H

#include <stdint.h>

/* `up` outputs for `down` inputs; taps [up][count], in units of 2^-shift. */
typedef struct tk_c63b4211_decimate_filter {
    const int16_t *taps;
    int32_t up, down, count, shift;
} tk_c63b4211_decimate_filter;

/* The filters from a rate to 16 kHz; `first`, where there is one, goes to 32 kHz. */
typedef struct tk_c63b4211_decimate_rate {
    const tk_c63b4211_decimate_filter *first, *last;
} tk_c63b4211_decimate_rate;

extern const tk_c63b4211_decimate_rate tk_c63b4211_decimate_from_48000;
extern const tk_c63b4211_decimate_rate tk_c63b4211_decimate_from_44100;
extern const tk_c63b4211_decimate_rate tk_c63b4211_decimate_from_32000;
extern const tk_c63b4211_decimate_rate tk_c63b4211_decimate_from_24000;

#endif
