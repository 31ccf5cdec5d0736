/* SPDX-License-Identifier: Apache-2.0 */
/* The products of one vector and the weights of three outputs, int8.
 *
 * In assembly for Armv7-M and Armv6-M, where registers decide; in plain C elsewhere.
 */
#ifndef TK_BLOCKED_1X3_S8_H
#define TK_BLOCKED_1X3_S8_H

#include "tk_blocked.h"

/* Sums of `count` products, a multiple of 4, at least 4; the weights of an output lie `distance`
 * behind those of the one before. */
typedef struct {
    int32_t count, distance;
    int32_t sums[3];
} tk_blocked_1x3_s8_job;

void tk_blocked_1x3_s8(const int8_t *x, const int8_t *weights, tk_blocked_1x3_s8_job *job);

/* Results of a dense layer with `count` inputs. */
TK_INLINE void tk_blocked_vector(const int8_t *x, int32_t count, const int8_t *w, int32_t outputs,
                                 const int32_t *records, int8_t *out) {
    const int32_t whole = count & ~3;
    for (int32_t o = 0; o < outputs; o += 3, w += 3 * count, records += 12) {
        const int32_t left = outputs - o, some = left < 3 ? left : 3;
        tk_blocked_1x3_s8_job job = {whole, count, {0, 0, 0}};
        if (some < 3) {
            for (int32_t i = 0; i < some; ++i) {
                int32_t sum = 0;
                for (int32_t k = 0; k < count; ++k) {
                    sum += x[k] * w[i * count + k];
                }
                job.sums[i] = sum;
            }
        } else {
            if (whole > 0) {
                tk_blocked_1x3_s8(x, w, &job);
            }
            for (int32_t k = whole; k < count; ++k) {
                job.sums[0] += x[k] * w[k];
                job.sums[1] += x[k] * w[count + k];
                job.sums[2] += x[k] * w[2 * count + k];
            }
        }
        for (int32_t i = 0; i < some; ++i) {
            out[o + i] = (int8_t)tk_blocked_finish(job.sums[i], records + 4 * i);
        }
    }
}

#endif
