/* SPDX-License-Identifier: Apache-2.0 */
/* Energies far below the clip's largest, in integers: the clip must have been heard. */
#ifndef TK_TOP_Q_H
#define TK_TOP_Q_H

#include "tk_number_q.h"

typedef struct tk_top {
    tk_number largest; /* so far */
    tk_number least;   /* what smaller energies count as */
} tk_top;

/* FEATURES_TOP_SHARE of the largest that was heard is the least from now on. */
static inline tk_top tk_top_of(tk_top heard) {
    const tk_number share = {FEATURES_TOP_SHARE, FEATURES_TOP_SHARE_EXPONENT};
    const tk_top top = {{0, 0}, tk_number_multiply(heard.largest, share)};
    return top;
}

static inline tk_number tk_top_limited(tk_top *top, tk_number energy) {
    top->largest = tk_number_larger(top->largest, energy);
    return tk_number_larger(top->least, energy);
}

#endif
