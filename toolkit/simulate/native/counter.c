#include "counter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t halfword;
    uint32_t zero;
    int64_t delta;
    int64_t taken;
} entry;

typedef struct {
    int64_t *delta;
    int64_t *taken;
    int64_t *stalls; /* of every halfword one of each kind */
} sums;

#define PHASES (COUNTER_MARKERS_MAX + 1)

static FILE *file;
static sums interval;     /* what is counted now, as long as intervals are told apart */
static sums rest[PHASES]; /* everything behind them, by phase */
static sums *current;
static sums scopes[COUNTER_SCOPES_MAX];
static sums *scope;     /* NULL: none */
static uint16_t *place; /* of every halfword: 0, 1 + a marker, or 1 + markers + a scope */
static uint32_t n_intervals;
static uint32_t code_low;
static uint32_t code_high;
static uint32_t n_markers;
static uint32_t n_scopes;
static uint32_t n_stalls;
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

static int allocate(sums *counts, size_t halfwords) {
    counts->delta = calloc(halfwords + 1u, sizeof counts->delta[0]); /* one more: the last end */
    counts->taken = calloc(halfwords + 1u, sizeof counts->taken[0]);
    counts->stalls = calloc((halfwords + 1u) * n_stalls + 1u, sizeof counts->stalls[0]);
    return counts->delta != NULL && counts->taken != NULL && counts->stalls != NULL;
}

static void release(sums *counts) {
    free(counts->delta);
    free(counts->taken);
    free(counts->stalls);
    *counts = (sums){NULL, NULL, NULL};
}

static void mark(counter_places places, uint32_t first) {
    for (uint32_t i = 0; i < places.count; i++) {
        if (places.addresses[i] >= code_low && places.addresses[i] < code_high) {
            place[(places.addresses[i] - code_low) / 2u] = (uint16_t)(first + i);
        }
    }
}

enum counter_status counter_open(const char *path, uint32_t low, uint32_t high,
                                 counter_places markers, counter_places scope_places,
                                 uint64_t limit_halfwords, uint32_t stalls) {
    const size_t halfwords = (high - low) / 2u;
    status = COUNTER_OK;
    status_address = 0;
    code_low = low;
    code_high = high;
    phase = 0;
    previous_end = UINT32_MAX; /* entering the first block is not a taken branch */
    remaining = limit_halfwords;
    n_markers = markers.count;
    n_scopes = scope_places.count;
    n_stalls = stalls;
    scope = NULL;
    file = fopen(path, "wb");
    n_intervals = 0;
    current = &interval;
    int allocated = allocate(&interval, halfwords);
    for (uint32_t i = 0; i < PHASES; i++) {
        allocated &= allocate(&rest[i], halfwords);
    }
    for (uint32_t i = 0; i < n_scopes && i < COUNTER_SCOPES_MAX; i++) {
        allocated &= allocate(&scopes[i], halfwords);
    }
    place = calloc(halfwords + 1u, sizeof place[0]);
    if (file == NULL || !allocated || place == NULL || n_markers > COUNTER_MARKERS_MAX ||
        n_scopes > COUNTER_SCOPES_MAX) {
        n_scopes = 0;
        return stop(COUNTER_BROKEN, 0);
    }
    mark(markers, 1u);
    mark(scope_places, 1u + n_markers);
    return COUNTER_OK;
}

/* Whether a halfword has anything to be written. */
static int is_counted(const sums *counts, uint32_t halfword) {
    int64_t any = counts->delta[halfword] | counts->taken[halfword];
    for (uint32_t kind = 0; kind < n_stalls; kind++) {
        any |= counts->stalls[halfword * n_stalls + kind];
    }
    return any != 0;
}

static void write_interval(const sums *counts, uint32_t of_phase) {
    const uint32_t size = (code_high - code_low) / 2u + 1u;
    uint32_t entries = 0;
    for (uint32_t i = 0; i < size; i++) {
        entries += (uint32_t)is_counted(counts, i);
    }
    const uint32_t header[2] = {of_phase, entries};
    write_words(header, 2);
    for (uint32_t i = 0; i < size; i++) {
        if (is_counted(counts, i)) {
            const entry record = {i, 0, counts->delta[i], counts->taken[i]};
            int64_t *stalls = counts->stalls + (size_t)i * n_stalls;
            if (fwrite(&record, sizeof record, 1, file) != 1 ||
                fwrite(stalls, sizeof stalls[0], n_stalls, file) != n_stalls) {
                stop(COUNTER_BROKEN, 0);
            }
            counts->delta[i] = 0;
            counts->taken[i] = 0;
            memset(stalls, 0, n_stalls * sizeof stalls[0]);
        }
    }
}

static void enter_phase(uint32_t next) {
    if (current == &interval) {
        write_interval(&interval, phase);
        n_intervals++;
    }
    phase = next;
    scope = NULL;
    current = n_intervals < COUNTER_INTERVALS_MAX ? &interval : &rest[phase];
}

enum counter_status counter_block(uint32_t start, uint32_t size) {
    if (status != COUNTER_OK) {
        return status;
    }
    if (start < code_low || size > code_high - code_low || start > code_high - size) {
        return stop(COUNTER_STRAY, start);
    }
    const uint32_t first = (start - code_low) / 2u;
    const uint32_t end = first + size / 2u;
    if (previous_end != start && previous_end != UINT32_MAX) {
        const uint32_t last = (previous_end - code_low) / 2u - 1u;
        current->taken[last]++;
        if (scope != NULL) {
            scope->taken[last]++;
        }
    }
    const uint32_t here = place[first];
    if (here > n_markers) {
        scope = &scopes[here - n_markers - 1u];
    } else if (here > 0u) {
        enter_phase(here);
    }
    current->delta[first]++;
    current->delta[end]--;
    if (scope != NULL) {
        scope->delta[first]++;
        scope->delta[end]--;
    }
    previous_end = start + size;
    if (remaining < size / 2u) {
        return stop(COUNTER_LIMIT, start);
    }
    remaining -= size / 2u;
    return COUNTER_OK;
}

uint64_t counter_remaining(void) {
    return remaining;
}

void counter_stall(uint32_t address, uint32_t kind, uint64_t cycles) {
    if (status == COUNTER_OK) {
        const size_t at = (size_t)((address - code_low) / 2u) * n_stalls + kind;
        current->stalls[at] += (int64_t)cycles;
        if (scope != NULL) {
            scope->stalls[at] += (int64_t)cycles;
        }
    }
}

enum counter_status counter_close(void) {
    if (file != NULL) {
        if (status != COUNTER_BROKEN && current == &interval) {
            write_interval(&interval, phase);
        }
        for (uint32_t i = 0; status != COUNTER_BROKEN && current != &interval && i < PHASES; i++) {
            write_interval(&rest[i], i);
        }
        for (uint32_t i = 0; status != COUNTER_BROKEN && i < n_scopes; i++) {
            write_interval(&scopes[i], COUNTER_SCOPE + i);
        }
        const uint32_t trailer[3] = {UINT32_MAX, (uint32_t)status, status_address};
        write_words(trailer, 3);
        if (fclose(file) != 0) {
            stop(COUNTER_BROKEN, 0);
        }
    }
    release(&interval);
    for (uint32_t i = 0; i < PHASES; i++) {
        release(&rest[i]);
    }
    for (uint32_t i = 0; i < COUNTER_SCOPES_MAX; i++) {
        release(&scopes[i]);
    }
    free(place);
    place = NULL;
    file = NULL;
    return status;
}
