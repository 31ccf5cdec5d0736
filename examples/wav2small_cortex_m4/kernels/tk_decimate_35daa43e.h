/* SPDX-License-Identifier: Apache-2.0 */
/* Audio of 48, 44.1, 32 or 24 kHz to 16 kHz, in blocks of any size: the same bits everywhere, for
 * int16, Q31 and float alike, which are rounded to int16 (tk_d7d34f3e_samples.h) before anything else.
 *
 * Output n lies at input n * rate / 16000: the filters delay nothing, but need the future.  An
 * output comes out up to TK_DECIMATE_TAIL input samples late; push as many zeros to have the last.
 *
 * 0 to 7.2 kHz pass (within 0.01 dB); what lies at 8 kHz and above is at least 70 dB down.
 * A second of audio takes a Cortex-M4 12 million cycles from 48 and 44.1 kHz, 7 from 32, 9 from 24.
 */
#ifndef TK_DECIMATE_H
#define TK_DECIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "tk_decimate_tables_c63b4211.h"

#define TK_DECIMATE_TAIL 176
/* Room for the outputs of a block, whatever went before: at most count * 16000 / rate + 2. */
#define TK_DECIMATE_OUTPUTS(count) (2 * (size_t)(count) / 3 + 2)

/* Samples that are taken through the filters at once. */
#define TK_DECIMATE_CHUNK 32

/* All state. */
typedef struct tk_35daa43e_decimate {
    const tk_c63b4211_decimate_rate *rate;
    int32_t first_filled, first_phase;
    int32_t last_filled, last_phase;
    int16_t first[16 + TK_DECIMATE_CHUNK];
    int16_t last[208 + TK_DECIMATE_CHUNK];
} tk_35daa43e_decimate;

/* Starts with silence; `from` is one of the four above. */
void tk_35daa43e_decimate_init(tk_35daa43e_decimate *d, const tk_c63b4211_decimate_rate *from);

/* Take `count` samples and write the outputs that are complete, at most
 * TK_DECIMATE_OUTPUTS(count) and never more than `count`; return their number. */
size_t tk_35daa43e_decimate_s16(tk_35daa43e_decimate *d, const int16_t *in, size_t count, int16_t *out);
size_t tk_35daa43e_decimate_q31(tk_35daa43e_decimate *d, const int32_t *in, size_t count, int16_t *out);
size_t tk_35daa43e_decimate_f32(tk_35daa43e_decimate *d, const float *in, size_t count, int16_t *out);

/* Outputs still to come that lie before the end of `count` more samples. */
size_t tk_35daa43e_decimate_left(const tk_35daa43e_decimate *d, size_t count);

#endif
