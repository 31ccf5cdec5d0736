#include "memory.h"

#include "counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define NOWHERE UINT32_MAX

typedef struct {
    uint32_t tag;   /* line number, NOWHERE where empty */
    uint32_t valid; /* bit i: the line's read i is there */
    uint64_t used;
} line;

typedef struct {
    memory_cache shape;
    uint32_t reads; /* of a line, a power of two's exponent */
    line *lines;
} cache;

typedef struct {
    memory_setting is;
    uint32_t shift; /* of an address, to the number of the read that brings it */
    cache instructions;
    cache data;
    uint64_t waited;
    uint64_t idle_at;  /* when the read under way ends */
    uint32_t at_hand;  /* number of the read that the last fetch brought */
    uint32_t ahead;    /* number of the read that prefetch brings */
    uint64_t ahead_at; /* when it is there */
} state;

static state states[MEMORY_SETTINGS_MAX];
static uint32_t n_states;
static uint32_t slow_low;
static uint32_t slow_high;
static uint32_t quick_low; /* in the slow memory, but answering at once */
static uint32_t quick_high;
static uint32_t low_address;
static uint32_t branch_cycles;
static memory_cycles cycles_of;
static uint8_t *entered; /* of every halfword: 1 + cycles where it was jumped to, 0: not known */
static uint8_t *flowed;  /* the same behind its predecessor */
static uint32_t current; /* the instruction that began last */
static uint32_t current_end;
static uint32_t narrowest; /* shift of the setting with the shortest reads */
static uint32_t at_hand;   /* the last fetch, in such reads */
static uint64_t core_now;  /* cycles of the core so far, waiting left aside */
static uint64_t clock_of_use;

static uint32_t exponent(uint32_t power_of_two) {
    uint32_t bits = 0;
    while (power_of_two >> bits > 1u) {
        bits++;
    }
    return bits;
}

static int open_cache(cache *held, memory_cache shape, uint32_t width) {
    const size_t count = (size_t)shape.sets * shape.ways;
    const uint32_t reads = exponent(shape.line_bytes / width);
    *held = (cache){shape, reads, malloc((count + 1u) * sizeof held->lines[0])};
    for (size_t i = 0; held->lines != NULL && i < count; i++) {
        held->lines[i] = (line){NOWHERE, 0, 0};
    }
    return held->lines != NULL;
}

int memory_open(const memory_setting *settings, uint32_t count, uint32_t low, uint32_t high,
                uint32_t fast_low, uint32_t fast_high, uint32_t code_low, uint32_t code_high,
                uint32_t taken_branch, memory_cycles cycles) {
    const size_t halfwords = (code_high - code_low) / 2u + 1u;
    slow_low = low;
    slow_high = high;
    quick_low = fast_low;
    quick_high = fast_high;
    low_address = code_low;
    branch_cycles = taken_branch;
    cycles_of = cycles;
    current = NOWHERE;
    current_end = NOWHERE;
    clock_of_use = 0;
    at_hand = NOWHERE;
    core_now = 0;
    narrowest = 31;
    entered = calloc(halfwords, 1);
    flowed = calloc(halfwords, 1);
    int there = entered != NULL && flowed != NULL && count <= MEMORY_SETTINGS_MAX;
    n_states = there ? count : 0;
    for (uint32_t i = 0; i < n_states; i++) {
        const uint32_t shift = exponent(settings[i].width);
        states[i] =
            (state){.is = settings[i], .shift = shift, .at_hand = NOWHERE, .ahead = NOWHERE};
        there &= open_cache(&states[i].instructions, settings[i].instructions, settings[i].width);
        there &= open_cache(&states[i].data, settings[i].data, settings[i].width);
        narrowest = shift < narrowest ? shift : narrowest;
    }
    return there;
}

void memory_close(void) {
    for (uint32_t i = 0; i < n_states; i++) {
        free(states[i].instructions.lines);
        free(states[i].data.lines);
    }
    free(entered);
    free(flowed);
    n_states = 0;
    entered = NULL;
    flowed = NULL;
}

static uint32_t part_of(const cache *held, uint32_t read) {
    return 1u << (read & ((1u << held->reads) - 1u));
}

static line *find(const cache *held, uint32_t number) {
    line *set = held->lines + (size_t)(number % held->shape.sets) * held->shape.ways;
    for (uint32_t i = 0; i < held->shape.ways; i++) {
        if (set[i].tag == number) {
            return &set[i];
        }
    }
    return NULL;
}

/* Whether a read's bytes lie in a cache; `use`: they are wanted now. */
static bool holds(const cache *held, uint32_t read, bool use) {
    if (held->shape.sets == 0) {
        return false;
    }
    line *found = find(held, read >> held->reads);
    if (found != NULL && use) {
        found->used = ++clock_of_use;
    }
    return found != NULL && (found->valid & part_of(held, read)) != 0;
}

static void keep(const cache *held, uint32_t read) {
    if (held->shape.sets == 0) {
        return;
    }
    const uint32_t number = read >> held->reads;
    line *place = find(held, number);
    if (place == NULL) {
        line *set = held->lines + (size_t)(number % held->shape.sets) * held->shape.ways;
        place = set;
        for (uint32_t i = 1; i < held->shape.ways; i++) {
            place = set[i].used < place->used ? &set[i] : place;
        }
        *place = (line){number, 0, 0};
    }
    place->valid |= part_of(held, read);
    place->used = ++clock_of_use;
}

static uint64_t latest(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t now(const state *setting) {
    return core_now + setting->waited;
}

/* Waits until `ready`; returns the cycles lost. */
static uint64_t wait_until(state *setting, uint64_t ready) {
    const uint64_t lost = ready > now(setting) ? ready - now(setting) : 0;
    setting->waited += lost;
    return lost;
}

static uint64_t fetch(state *setting, uint32_t read) {
    if (read == setting->at_hand) {
        return 0;
    }
    setting->at_hand = read;
    if (holds(&setting->instructions, read, true)) {
        return 0;
    }
    if (read != setting->ahead) {
        setting->ahead_at = latest(now(setting), setting->idle_at) + setting->is.wait_states;
        setting->idle_at = setting->ahead_at;
    }
    const uint64_t lost = wait_until(setting, setting->ahead_at);
    setting->ahead = NOWHERE;
    keep(&setting->instructions, read);
    if (setting->is.prefetch && !holds(&setting->instructions, read + 1u, false)) {
        setting->ahead = read + 1u;
        setting->ahead_at = latest(now(setting), setting->idle_at) + setting->is.wait_states + 1u;
        setting->idle_at = setting->ahead_at;
    }
    return lost;
}

static uint64_t load(state *setting, uint32_t read) {
    const cache *held = setting->is.shared ? &setting->instructions : &setting->data;
    if (holds(held, read, true)) {
        return 0;
    }
    setting->idle_at = latest(now(setting), setting->idle_at) + setting->is.wait_states;
    const uint64_t lost = wait_until(setting, setting->idle_at);
    keep(held, read);
    return lost;
}

/* Brings [address, address + size) to the core under every setting; kind 0: fetched, 1: loaded. */
static void bring(uint32_t address, uint32_t size, uint32_t kind) {
    if (address < slow_low || address >= slow_high ||
        (address >= quick_low && address < quick_high)) {
        return;
    }
    for (uint32_t i = 0; i < n_states; i++) {
        state *setting = &states[i];
        const uint32_t last = (address + size - 1u) >> setting->shift;
        uint64_t lost = 0;
        for (uint32_t read = address >> setting->shift; read <= last; read++) {
            lost += kind == 0 ? fetch(setting, read) : load(setting, read);
        }
        if (lost > 0) {
            counter_stall(current, 2u * i + kind, lost);
        }
    }
}

/* Cycles of the instruction by the core's table, asked for once. */
static uint32_t core_cycles(uint32_t address, bool straight) {
    uint8_t *known = (straight ? flowed : entered) + (address - low_address) / 2u;
    if (*known == 0) {
        *known = (uint8_t)(1u + cycles_of(address, straight ? current : NOWHERE));
    }
    return *known - 1u;
}

void memory_fetch(uint32_t address, uint32_t size) {
    const bool straight = address == current_end;
    const uint32_t first = address >> narrowest;
    const uint32_t last = (address + size - 1u) >> narrowest;
    uint32_t spent = core_cycles(address, straight);
    spent += !straight && current_end != NOWHERE ? branch_cycles : 0u;
    current = address;
    current_end = address + size;
    if (first != at_hand || last != at_hand) {
        bring(address, size, 0);
        at_hand = last;
    }
    core_now += spent;
}

void memory_read(uint32_t address, uint32_t size) {
    if (current != NOWHERE) {
        bring(address, size, 1);
    }
}
