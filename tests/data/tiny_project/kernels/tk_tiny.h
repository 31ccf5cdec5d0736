#ifndef TK_TINY_H
#define TK_TINY_H

#include <stdint.h>

/* Dense layer with weights (7 * o + 3 * i) % 11 - 5, scaled by 1/16 and saturated to int8. */
void tk_tiny_dense(const int8_t *input, int32_t inputs, int8_t *output, int32_t outputs);
/* 2^20 * (1 + sum of squares) / (1 + sum of magnitudes), by 64-bit division. */
int32_t tk_tiny_ratio(const int8_t *input, int32_t inputs);

#endif
