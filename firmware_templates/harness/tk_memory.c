/* SPDX-License-Identifier: Apache-2.0 */
/* memcpy, memmove and memset for a firmware without a C library, the same with every compiler.
 *
 * Compilers call these by name, Arm ones also by their run-time ABI names (__aeabi_*). The empty
 * asm statements keep the loops from being recognised and turned into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

/* A word at any address: M3 and later cores load and store it unaligned, M0 byte by byte. */
typedef struct __attribute__((packed, may_alias)) {
    uint32_t value;
} word;

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);

void *memcpy(void *restrict destination, const void *restrict source, size_t size) {
    uint8_t *to = destination;
    const uint8_t *from = source;
    for (; size >= 16u; size -= 16u, to += 16, from += 16) {
        const uint32_t a = ((const word *)from)[0].value;
        const uint32_t b = ((const word *)from)[1].value;
        const uint32_t c = ((const word *)from)[2].value;
        const uint32_t d = ((const word *)from)[3].value;
        ((word *)to)[0].value = a;
        ((word *)to)[1].value = b;
        ((word *)to)[2].value = c;
        ((word *)to)[3].value = d;
        KEEP_LOOP();
    }
    for (; size >= 4u; size -= 4u, to += 4, from += 4) {
        ((word *)to)->value = ((const word *)from)->value;
        KEEP_LOOP();
    }
    for (; size != 0u; size--) {
        *to++ = *from++;
        KEEP_LOOP();
    }
    return destination;
}

void *memmove(void *destination, const void *source, size_t size) {
    uint8_t *to = destination;
    const uint8_t *from = source;
    if ((uintptr_t)to - (uintptr_t)from >= size) {
        return memcpy(destination, source, size);
    }
    while (size != 0u) {
        size--;
        to[size] = from[size];
        KEEP_LOOP();
    }
    return destination;
}

void *memset(void *destination, int value, size_t size) {
    uint8_t *to = destination;
    const uint32_t byte = (uint8_t)value;
    const uint32_t pattern = byte * 0x01010101u;
    for (; size >= 16u; size -= 16u, to += 16) {
        ((word *)to)[0].value = pattern;
        ((word *)to)[1].value = pattern;
        ((word *)to)[2].value = pattern;
        ((word *)to)[3].value = pattern;
        KEEP_LOOP();
    }
    for (; size != 0u; size--) {
        *to++ = (uint8_t)byte;
        KEEP_LOOP();
    }
    return destination;
}

/* Calls of these appear as late as code is made: optimisation at link time must leave them. */
#define USED __attribute__((used))

#define EABI_COPY(name, function)                                                                  \
    void name(void *destination, const void *source, size_t size);                                 \
    USED void name(void *destination, const void *source, size_t size) {                           \
        function(destination, source, size);                                                       \
    }
/* The run-time ABI's argument order is destination, size, value. */
#define EABI_SET(name)                                                                             \
    void name(void *destination, size_t size, int value);                                          \
    USED void name(void *destination, size_t size, int value) {                                    \
        memset(destination, value, size);                                                          \
    }
#define EABI_CLEAR(name)                                                                           \
    void name(void *destination, size_t size);                                                     \
    USED void name(void *destination, size_t size) {                                               \
        memset(destination, 0, size);                                                              \
    }

EABI_COPY(__aeabi_memcpy, memcpy)
EABI_COPY(__aeabi_memcpy4, memcpy)
EABI_COPY(__aeabi_memcpy8, memcpy)
EABI_COPY(__aeabi_memmove, memmove)
EABI_COPY(__aeabi_memmove4, memmove)
EABI_COPY(__aeabi_memmove8, memmove)
EABI_SET(__aeabi_memset)
EABI_SET(__aeabi_memset4)
EABI_SET(__aeabi_memset8)
EABI_CLEAR(__aeabi_memclr)
EABI_CLEAR(__aeabi_memclr4)
EABI_CLEAR(__aeabi_memclr8)
