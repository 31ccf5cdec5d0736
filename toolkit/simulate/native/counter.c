#include "counter.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint32_t halfword;
    uint32_t zero;
    int64_t delta;
    int64_t taken;
} entry;

static FILE *file;
static int64_t *delta;
static int64_t *taken;
static uint32_t code_low;
static uint32_t code_high;
static uint32_t markers[COUNTER_MARKERS_MAX];
static uint32_t n_markers;
static uint32_t phase;
static uint32_t previous_end;
static uint64_t remaining;
static enum counter_status status;
static uint32_t status_address;

static enum counter_status stop(enum counter_status reason, uint32_t address) {
    if (status == COUNTER_OK) {
        status = reason;
        status_address = address;
    }
    return status;
}

static void write_words(const uint32_t *words, size_t count) {
    if (fwrite(words, sizeof words[0], count, file) != count) {
        stop(COUNTER_BROKEN, 0);
    }
}

enum counter_status counter_open(const char *path, uint32_t low, uint32_t high,
                                 const uint32_t *marker_addresses, uint32_t marker_count,
                                 uint64_t limit_halfwords) {
    const size_t halfwords = (high - low) / 2u;
    status = COUNTER_OK;
    status_address = 0;
    code_low = low;
    code_high = high;
    phase = 0;
    previous_end = UINT32_MAX; /* entering the first block is not a taken branch */
    remaining = limit_halfwords;
    n_markers = marker_count;
    for (uint32_t i = 0; i < marker_count && i < COUNTER_MARKERS_MAX; i++) {
        markers[i] = marker_addresses[i];
    }
    file = fopen(path, "wb");
    delta = calloc(halfwords + 1u, sizeof delta[0]); /* one more: the end of the last block */
    taken = calloc(halfwords + 1u, sizeof taken[0]);
    if (file == NULL || delta == NULL || taken == NULL || marker_count > COUNTER_MARKERS_MAX) {
        return stop(COUNTER_BROKEN, 0);
    }
    return COUNTER_OK;
}

static void write_interval(void) {
    const uint32_t size = (code_high - code_low) / 2u + 1u;
    uint32_t entries = 0;
    for (uint32_t i = 0; i < size; i++) {
        entries += (delta[i] | taken[i]) != 0;
    }
    const uint32_t header[2] = {phase, entries};
    write_words(header, 2);
    for (uint32_t i = 0; i < size; i++) {
        if ((delta[i] | taken[i]) != 0) {
            const entry record = {i, 0, delta[i], taken[i]};
            if (fwrite(&record, sizeof record, 1, file) != 1) {
                stop(COUNTER_BROKEN, 0);
            }
            delta[i] = 0;
            taken[i] = 0;
        }
    }
}

enum counter_status counter_block(uint32_t start, uint32_t size) {
    if (status != COUNTER_OK) {
        return status;
    }
    if (start < code_low || size > code_high - code_low || start > code_high - size) {
        return stop(COUNTER_STRAY, start);
    }
    if (previous_end != start && previous_end != UINT32_MAX) {
        taken[(previous_end - code_low) / 2u - 1u]++;
    }
    for (uint32_t i = 0; i < n_markers; i++) {
        if (start == markers[i]) {
            write_interval();
            phase = i + 1u;
        }
    }
    delta[(start - code_low) / 2u]++;
    delta[(start + size - code_low) / 2u]--;
    previous_end = start + size;
    if (remaining < size / 2u) {
        return stop(COUNTER_LIMIT, start);
    }
    remaining -= size / 2u;
    return COUNTER_OK;
}

enum counter_status counter_close(void) {
    if (file != NULL) {
        if (delta != NULL && taken != NULL) {
            write_interval();
        }
        const uint32_t trailer[3] = {UINT32_MAX, (uint32_t)status, status_address};
        write_words(trailer, 3);
        if (fclose(file) != 0) {
            stop(COUNTER_BROKEN, 0);
        }
    }
    free(delta);
    free(taken);
    file = NULL;
    delta = NULL;
    taken = NULL;
    return status;
}
