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
    line *lines;
} cache;

typedef struct {
    memory_setting is;
    cache instructions;
    cache data;
    uint64_t now;
    uint64_t idle_at;  /* when the read under way ends */
    uint32_t at_hand;  /* number of the read that the last fetch brought */
    uint32_t ahead;    /* number of the read that prefetch brings */
    uint64_t ahead_at; /* when it is there */
} state;

static state states[MEMORY_SETTINGS_MAX];
static uint32_t n_states;
static uint32_t slow_low;
static uint32_t slow_high;
static uint32_t low_address;
static uint32_t branch_cycles;
static memory_cycles cycles_of;
static uint8_t *entered; /* of every halfword: 1 + cycles where it was jumped to, 0: not known */
static uint8_t *flowed;  /* the same behind its predecessor */
static uint32_t current; /* the instruction that began last */
static uint32_t current_end;
static uint64_t clock_of_use;

static int open_cache(cache *held, memory_cache shape) {
    const size_t count = (size_t)shape.sets * shape.ways;
    *held = (cache){shape, malloc((count + 1u) * sizeof held->lines[0])};
    for (size_t i = 0; held->lines != NULL && i < count; i++) {
        held->lines[i] = (line){NOWHERE, 0, 0};
    }
    return held->lines != NULL;
}

int memory_open(const memory_setting *settings, uint32_t count, uint32_t low, uint32_t high,
                uint32_t code_low, uint32_t code_high, uint32_t taken_branch,
                memory_cycles cycles) {
    const size_t halfwords = (code_high - code_low) / 2u + 1u;
    slow_low = low;
    slow_high = high;
    low_address = code_low;
    branch_cycles = taken_branch;
    cycles_of = cycles;
    current = NOWHERE;
    current_end = NOWHERE;
    clock_of_use = 0;
    entered = calloc(halfwords, 1);
    flowed = calloc(halfwords, 1);
    int there = entered != NULL && flowed != NULL && count <= MEMORY_SETTINGS_MAX;
    n_states = there ? count : 0;
    for (uint32_t i = 0; i < n_states; i++) {
        states[i] = (state){.is = settings[i], .at_hand = NOWHERE, .ahead = NOWHERE};
        there &= open_cache(&states[i].instructions, settings[i].instructions);
        there &= open_cache(&states[i].data, settings[i].data);
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

static uint32_t part_of(const cache *held, uint32_t read, uint32_t width) {
    return 1u << (read % (held->shape.line_bytes / width));
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
static bool holds(const cache *held, uint32_t read, uint32_t width, bool use) {
    if (held->shape.sets == 0) {
        return false;
    }
    line *found = find(held, read / (held->shape.line_bytes / width));
    if (found != NULL && use) {
        found->used = ++clock_of_use;
    }
    return found != NULL && (found->valid & part_of(held, read, width)) != 0;
}

static void keep(const cache *held, uint32_t read, uint32_t width) {
    if (held->shape.sets == 0) {
        return;
    }
    const uint32_t number = read / (held->shape.line_bytes / width);
    line *place = find(held, number);
    if (place == NULL) {
        line *set = held->lines + (size_t)(number % held->shape.sets) * held->shape.ways;
        place = set;
        for (uint32_t i = 1; i < held->shape.ways; i++) {
            place = set[i].used < place->used ? &set[i] : place;
        }
        *place = (line){number, 0, 0};
    }
    place->valid |= part_of(held, read, width);
    place->used = ++clock_of_use;
}

static uint64_t latest(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Waits until `ready`; returns the cycles lost. */
static uint64_t wait_until(state *setting, uint64_t ready) {
    const uint64_t stall = ready > setting->now ? ready - setting->now : 0;
    setting->now += stall;
    return stall;
}

static uint64_t fetch(state *setting, uint32_t read) {
    const uint32_t width = setting->is.width;
    if (read == setting->at_hand) {
        return 0;
    }
    setting->at_hand = read;
    if (holds(&setting->instructions, read, width, true)) {
        return 0;
    }
    if (read != setting->ahead) {
        setting->ahead_at = latest(setting->now, setting->idle_at) + setting->is.wait_states;
        setting->idle_at = setting->ahead_at;
    }
    const uint64_t stall = wait_until(setting, setting->ahead_at);
    setting->ahead = NOWHERE;
    keep(&setting->instructions, read, width);
    if (setting->is.prefetch && !holds(&setting->instructions, read + 1u, width, false)) {
        setting->ahead = read + 1u;
        setting->ahead_at = latest(setting->now, setting->idle_at) + setting->is.wait_states + 1u;
        setting->idle_at = setting->ahead_at;
    }
    return stall;
}

static uint64_t load(state *setting, uint32_t read) {
    const cache *held = setting->is.shared ? &setting->instructions : &setting->data;
    if (holds(held, read, setting->is.width, true)) {
        return 0;
    }
    setting->idle_at = latest(setting->now, setting->idle_at) + setting->is.wait_states;
    const uint64_t stall = wait_until(setting, setting->idle_at);
    keep(held, read, setting->is.width);
    return stall;
}

static bool is_slow(uint32_t address) {
    return address >= slow_low && address < slow_high;
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
    uint32_t spent = core_cycles(address, straight);
    spent += !straight && current_end != NOWHERE ? branch_cycles : 0u;
    current = address;
    current_end = address + size;
    for (uint32_t i = 0; i < n_states; i++) {
        state *setting = &states[i];
        const uint32_t width = setting->is.width;
        uint64_t stall = 0;
        for (uint32_t read = address / width; read <= (address + size - 1u) / width; read++) {
            stall += is_slow(address) ? fetch(setting, read) : 0;
        }
        if (stall > 0) {
            counter_stall(address, 2u * i, stall);
        }
        setting->now += spent;
    }
}

void memory_read(uint32_t address, uint32_t size) {
    if (!is_slow(address) || current == NOWHERE) {
        return;
    }
    for (uint32_t i = 0; i < n_states; i++) {
        const uint32_t width = states[i].is.width;
        uint64_t stall = 0;
        for (uint32_t read = address / width; read <= (address + size - 1u) / width; read++) {
            stall += load(&states[i], read);
        }
        if (stall > 0) {
            counter_stall(current, 2u * i + 1u, stall);
        }
    }
}
