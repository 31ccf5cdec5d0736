/* SPDX-License-Identifier: Apache-2.0 */
/* Energies far below the clip's largest, in float32: the clip must have been heard. */
#ifndef TK_TOP_H
#define TK_TOP_H

typedef struct tk_top {
    float largest; /* so far */
    float least;   /* what smaller energies count as */
} tk_top;

/* FEATURES_TOP_SHARE of the largest that was heard is the least from now on. */
static inline tk_top tk_top_of(tk_top heard) {
    const tk_top top = {0.0F, heard.largest * FEATURES_TOP_SHARE};
    return top;
}

static inline float tk_top_limited(tk_top *top, float energy) {
    if (energy > top->largest) {
        top->largest = energy;
    }
    return energy > top->least ? energy : top->least;
}

#endif
