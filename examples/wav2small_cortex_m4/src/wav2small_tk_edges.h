/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithm and quantisation of an energy in one: a look-up in their common inverse. */
#ifndef WAV2SMALL_TK_EDGES_H
#define WAV2SMALL_TK_EDGES_H

#include <stdint.h>

/* Where the int8 features change, as bits of float32 energies (which order as the numbers do):
 * a feature is WAV2SMALL_FEATURES_LEAST plus the number of edges that its energy reaches.  An energy's
 * highest bits, counted from WAV2SMALL_FEATURES_FIRST_BUCKET, name a bucket with at most one edge; how many
 * lie before it is in edges_before. */
extern const uint32_t wav2small_tk_edges[WAV2SMALL_FEATURES_EDGES + 1u]; /* the last one is out of reach */
extern const uint8_t wav2small_tk_edges_before[WAV2SMALL_FEATURES_BUCKETS];

/* The feature of an energy that is given as the bits of a float32, not negative. */
static inline int8_t wav2small_tk_edges_feature(uint32_t energy_bits) {
    /* Limits 0 and 2^n - 1 after a shift: one instruction on Arm cores. */
    int32_t bucket = ((int32_t)energy_bits - WAV2SMALL_FEATURES_FIRST_BUCKET) >> WAV2SMALL_FEATURES_BUCKET_SHIFT;
    bucket = bucket > 0 ? bucket : 0;
    bucket = bucket < WAV2SMALL_FEATURES_BUCKETS - 1 ? bucket : WAV2SMALL_FEATURES_BUCKETS - 1;
    const uint32_t edge = wav2small_tk_edges_before[bucket];
    return (int8_t)((int32_t)(edge + (energy_bits >= wav2small_tk_edges[edge])) + WAV2SMALL_FEATURES_LEAST);
}

#endif
