/* SPDX-License-Identifier: Apache-2.0 */
/* Any function of one int16 value to int16, as a table. */
#ifndef TK_TABLE_S16_S16_H
#define TK_TABLE_S16_S16_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    const int16_t *table; /* [513], entry i for the value 128 * (i - 256); straight between two */
} tk_table_s16_s16_params;

/* in and out [count], possibly the same.  Scratch: none. */
void tk_table_s16_s16(const tk_table_s16_s16_params *p, const int16_t *in, int16_t *out);

#endif
