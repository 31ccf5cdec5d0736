/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_add_s8.h"

#include "tk_dsp_mac.h"

/* tk_requantize of an input, by a record as tk_dsp_requantize's; `whole`: nothing to shift. */
TK_INLINE int32_t scale_input(int32_t v, int32_t zero_point, const int32_t *record, int32_t whole) {
    const int32_t doubled = (v - zero_point) * (2 << TK_SUM_S8_ROOM_BITS);
    return whole ? tk_smmulr(doubled, record[1]) : tk_dsp_requantize(doubled, record);
}

/* tk_sum_s8_pair over a run, the limits left out. */
TK_INLINE void add_run(const tk_add_s8_params *p, const int32_t (*records)[4], int32_t a_whole,
                       int32_t b_whole, const int8_t *a, const int8_t *b, int8_t *out) {
    const int32_t a_zero_point = p->a_zero_point, b_zero_point = p->b_zero_point;
    const int32_t a_stride = p->a_strides[3], b_stride = p->b_strides[3], count = p->dims[3];
    const int32_t ra[4] = {0, records[0][1], records[0][2], records[0][3]};
    const int32_t rb[4] = {0, records[1][1], records[1][2], records[1][3]};
    const int32_t ro[4] = {0, records[2][1], records[2][2], records[2][3]};
    for (int32_t i = 0; i < count; ++i, a += a_stride, b += b_stride) {
        const int32_t sum =
            scale_input(*a, a_zero_point, ra, a_whole) + scale_input(*b, b_zero_point, rb, b_whole);
        out[i] = (int8_t)tk_ssat8(tk_dsp_requantize(2 * sum, ro));
    }
}

/* The input of the larger scale is halved exactly: there is nothing to shift. */
static void add_fast(const tk_add_s8_params *p, const int32_t (*records)[4], const int8_t *a,
                     const int8_t *b, int8_t *out) {
    if (p->a_shift == 0 && p->b_shift == 0) {
        add_run(p, records, 1, 1, a, b, out);
    } else if (p->a_shift == 0) {
        add_run(p, records, 1, 0, a, b, out);
    } else if (p->b_shift == 0) {
        add_run(p, records, 0, 1, a, b, out);
    } else {
        add_run(p, records, 0, 0, a, b, out);
    }
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        tk_dsp_clamp(out, p->dims[3], p->out_min, p->out_max);
    }
}

/* A record for tk_dsp_requantize; 0 where there is none. */
static int32_t make_record(int32_t multiplier, int32_t shift, int32_t zero_point, int32_t *record) {
    if (shift > 0 || shift < -22) {
        return 0;
    }
    record[1] = multiplier;
    record[2] = shift == 0 ? 0 : (2 * zero_point + 1) * (1 << (-shift - 1));
    record[3] = -shift;
    return 1;
}

void tk_add_s8(const tk_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    int32_t records[3][4] = {{0}};
    const int32_t fast =
        make_record(p->a_multiplier, p->a_shift, 0, records[0]) &&
        make_record(p->b_multiplier, p->b_shift, 0, records[1]) && p->out_shift < 0 &&
        make_record(p->out_multiplier, p->out_shift, p->out_zero_point, records[2]);
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k, out += n[3]) {
                const int8_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int8_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                if (fast) {
                    add_fast(p, (const int32_t (*)[4])records, pa, pb, out);
                    continue;
                }
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    out[l] = tk_sum_s8_pair(p, *pa, 1, *pb);
                }
            }
        }
    }
}
