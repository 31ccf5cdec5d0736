/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_gru_begun_dsp.h"

void tk_gru_begun_dsp(const tk_gru_begun_dsp_params *p, const void *in, const int16_t *begin,
                      void *out, void *state) {
    tk_gru_params begun = *p;
    begun.given = 1;
    begun.initial = begin;
    tk_gru_dsp(&begun, in, out, state);
}
