#include "tk_tiny.h"

void tk_tiny_dense(const int8_t *input, int32_t inputs, int8_t *output, int32_t outputs) {
    for (int32_t o = 0; o < outputs; o++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < inputs; i++) {
            sum += input[i] * ((7 * o + 3 * i) % 11 - 5);
        }
        sum >>= 4;
        output[o] = (int8_t)(sum < -128 ? -128 : sum > 127 ? 127 : sum);
    }
}

int32_t tk_tiny_ratio(const int8_t *input, int32_t inputs) {
    int64_t squares = 1;
    int64_t magnitudes = 1;
    for (int32_t i = 0; i < inputs; i++) {
        squares += input[i] * input[i];
        magnitudes += input[i] < 0 ? -input[i] : input[i];
    }
    return (int32_t)((squares << 20) / (magnitudes << 4));
}
