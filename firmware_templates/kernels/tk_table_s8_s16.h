/* SPDX-License-Identifier: Apache-2.0 */
/* Any function of one int8 value to int16, as a table. */
#ifndef TK_TABLE_S8_S16_H
#define TK_TABLE_S8_S16_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    const int16_t *table; /* [256], entry i for the value i - 128 */
} tk_table_s8_s16_params;

/* in and out [count].  Scratch: none. */
void tk_table_s8_s16(const tk_table_s8_s16_params *p, const int8_t *in, int16_t *out);

#endif
