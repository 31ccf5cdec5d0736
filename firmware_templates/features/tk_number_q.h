/* Integers with an exponent: what fixed-point features use where numbers span many octaves. */
#ifndef TK_NUMBER_Q_H
#define TK_NUMBER_Q_H

#include <stdint.h>

/* mantissa * 2^exponent; the mantissa is 0 or has its highest bit set. */
typedef struct tk_number {
    uint32_t mantissa;
    int32_t exponent;
} tk_number;

/* value * 2^exponent, rounded down to 32 bits. */
static inline tk_number tk_number_from(uint64_t value, int32_t exponent) {
    tk_number number = {0, 0};
    if (value != 0) {
        const int32_t zeros = __builtin_clzll(value);
        number.mantissa = (uint32_t)(value << zeros >> 32);
        number.exponent = exponent + 32 - zeros;
    }
    return number;
}

static inline tk_number tk_number_multiply(tk_number a, tk_number b) {
    return tk_number_from((uint64_t)a.mantissa * b.mantissa, a.exponent + b.exponent);
}

static inline tk_number tk_number_add(tk_number a, tk_number b) {
    const tk_number high = a.exponent >= b.exponent ? a : b;
    const tk_number low = a.exponent >= b.exponent ? b : a;
    const int32_t apart = high.exponent - low.exponent;
    if (low.mantissa == 0 || high.mantissa == 0) {
        return a.mantissa == 0 ? b : a;
    }
    return tk_number_from((uint64_t)high.mantissa + (apart < 32 ? low.mantissa >> apart : 0),
                          high.exponent);
}

/* The bits of the float32 next below; 0 for what is smaller than normal ones. */
static inline uint32_t tk_number_bits(tk_number number) {
    const int32_t octave = number.exponent + 31;
    if (number.mantissa == 0 || octave < -126) {
        return 0;
    }
    if (octave > 127) {
        return 0x7F7FFFFFu;
    }
    return ((uint32_t)(octave + 127) << 23) | ((number.mantissa >> 8) & 0x7FFFFFu);
}

/* Square root, rounded down. */
static inline uint32_t tk_integer_sqrt(uint64_t value) {
    uint64_t root = 0;
    uint64_t bit = UINT64_C(1) << 62;
    while (bit > value) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (value >= trial) {
            value -= trial;
            root += bit;
        }
    }
    return (uint32_t)root;
}

#endif
