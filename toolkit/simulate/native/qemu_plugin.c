/* QEMU TCG plugin: counts executed blocks.
 *
 * Distributions ship QEMU without its plugin header, so the few functions used are declared here,
 * after QEMU's documentation of the plugin interface; they are alike in versions 1 and 2 of it.
 * QEMU up to 8 takes version 1, from 9 on it wants 2: set by -DPLUGIN_VERSION. Only a callback on
 * execution is used, the one thing that all versions have.
 *
 * Arguments: out=FILE, code=FILE (the code's bytes, from low to high), low=, high=, limit=
 * (decimal), and marker= and scope= any number of times.
 */
#include "counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS = 0 };

typedef void (*tb_translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*tb_executed)(unsigned int vcpu_index, void *userdata);
typedef void (*at_exit)(qemu_plugin_id_t id, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, tb_executed callback,
                                          enum qemu_plugin_cb_flags flags, void *userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, at_exit callback, void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

int qemu_plugin_version = PLUGIN_VERSION;

static uint16_t *code;
static uint64_t low;
static uint64_t high;

/* A Thumb instruction's size. QEMU's own answer is 2 too many before the end of a page: there the
 * translator peeks at the next instruction, and 7.2 counts what it peeked at. */
static uint64_t instruction_size(uint64_t address) {
    const uint16_t first = address >= low && address < high ? code[(address - low) / 2u] : 0u;
    return first >> 11 >= 0x1Du ? 4u : 2u;
}

/* A block's start and size travel in the callback's pointer: nothing to allocate, nothing to free.
 */
static void executed(unsigned int vcpu_index, void *userdata) {
    (void)vcpu_index;
    const uint64_t block = (uint64_t)(uintptr_t)userdata;
    if (counter_block((uint32_t)block, (uint32_t)(block >> 32)) != COUNTER_OK) {
        counter_close();
        _Exit(EXIT_SUCCESS); /* the reason is in the file */
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    const struct qemu_plugin_insn *last =
        qemu_plugin_tb_get_insn(tb, qemu_plugin_tb_n_insns(tb) - 1);
    const uint64_t start = qemu_plugin_tb_vaddr(tb);
    const uint64_t address = qemu_plugin_insn_vaddr(last);
    const uint64_t block = (address + instruction_size(address) - start) << 32 | (uint32_t)start;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS,
                                         (void *)(uintptr_t)block);
}

static void finished(qemu_plugin_id_t id, void *userdata) {
    (void)id;
    (void)userdata;
    counter_close();
}

static bool read_code(const char *path) {
    const size_t size = (size_t)(high - low);
    FILE *file = fopen(path, "rb");
    code = malloc(size);
    const bool complete = file != NULL && code != NULL && fread(code, 1, size, file) == size;
    if (file != NULL) {
        fclose(file);
    }
    return complete;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info;
    const char *path = NULL;
    const char *code_path = NULL;
    uint64_t limit = 0;
    uint32_t markers[COUNTER_MARKERS_MAX];
    uint32_t scopes[COUNTER_SCOPES_MAX];
    counter_places marker_places = {markers, 0};
    counter_places scope_places = {scopes, 0};
    for (int i = 0; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (equals == NULL) {
            return 1;
        }
        const size_t key = (size_t)(equals - argv[i]);
        const uint64_t number = strtoull(equals + 1, NULL, 10);
        if (key == 3 && strncmp(argv[i], "out", key) == 0) {
            path = equals + 1;
        } else if (key == 4 && strncmp(argv[i], "code", key) == 0) {
            code_path = equals + 1;
        } else if (key == 3 && strncmp(argv[i], "low", key) == 0) {
            low = number;
        } else if (key == 4 && strncmp(argv[i], "high", key) == 0) {
            high = number;
        } else if (key == 5 && strncmp(argv[i], "limit", key) == 0) {
            limit = number;
        } else if (key == 6 && strncmp(argv[i], "marker", key) == 0 &&
                   marker_places.count < COUNTER_MARKERS_MAX) {
            markers[marker_places.count++] = (uint32_t)number;
        } else if (key == 5 && strncmp(argv[i], "scope", key) == 0 &&
                   scope_places.count < COUNTER_SCOPES_MAX) {
            scopes[scope_places.count++] = (uint32_t)number;
        } else {
            return 1;
        }
    }
    if (path == NULL || code_path == NULL || !read_code(code_path)) {
        return 1;
    }
    if (counter_open(path, (uint32_t)low, (uint32_t)high, marker_places, scope_places, limit, 0) !=
        COUNTER_OK) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
