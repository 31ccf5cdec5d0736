/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_weights_2799adbb.h"

int tk_2799adbb_weights_fit(const tk_2799adbb_weights_head *image, uint32_t words, uint32_t layout) {
    /* Volatile: what the linker was given need not be what lies there now. */
    const volatile uint32_t *word = (const volatile uint32_t *)(const void *)image;
    const uint32_t found = *word++;
    const uint32_t wanted = *word++;
    uint32_t hash = UINT32_C(2166136261);
    for (; words > 0; --words) {
        hash = (hash ^ *word++) * UINT32_C(16777619);
    }
    return found == layout && hash == wanted;
}
