/* SPDX-License-Identifier: Apache-2.0 */
/* The image of a model's weights: what the code was made for, a hash, and then the weights, all in
 * little-endian words.  A field update may replace it by another image of equal layout. */
#ifndef TK_WEIGHTS_H
#define TK_WEIGHTS_H

#include <stdint.h>

/* What every image begins with. */
typedef struct {
    uint32_t layout; /* of the code that reads the weights */
    uint32_t hash;   /* of the words that follow */
} tk_2799adbb_weights_head;

/* Whether an image has `layout` and the hash of its `words` words (FNV-1a, over words): a single
 * word that differs is always found, several all but certainly. */
int tk_2799adbb_weights_fit(const tk_2799adbb_weights_head *image, uint32_t words, uint32_t layout);

#endif
