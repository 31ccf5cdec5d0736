/* SPDX-License-Identifier: Apache-2.0 */
/* What the boot ROM of the i.MX RT1062 reads of the flash before it starts the program: how to read
 * it (IMXRT1060RM, 9.6.3.1, "FlexSPI configuration block"), and where the program is (9.7.1, "Image
 * vector table and boot data"). */
#include "board.h"

extern const char board_image_bytes[]; /* linker.ld: an absolute value */
void Reset_Handler(void);

typedef struct {
    uint32_t tag, version, reserved_08, read_sample_clock;
    uint32_t reserved_10[12];
    uint32_t controller_options, device_type, reserved_48[2];
    uint32_t flash_a1_bytes, reserved_54[3];
    uint32_t reserved_60[8];
    uint32_t lookup_read[4]; /* quad read: command 0xEB, 24 address bits, mode byte, 4 dummies */
    uint32_t lookup_rest[60];
    uint32_t reserved_180[16];
    uint32_t page_bytes, sector_bytes, serial_clock, reserved_1cc;
    uint32_t block_bytes, reserved_1d4[11];
} flexspi_configuration;

typedef char configuration_is_512_bytes[sizeof(flexspi_configuration) == 512u ? 1 : -1];

extern const flexspi_configuration board_flexspi_configuration;

__attribute__((section(".boot.config"), used))
const flexspi_configuration board_flexspi_configuration = {
    .tag = 0x42464346u, /* "FCFB" */
    .version = 0x56010000u,
    .read_sample_clock = 0x00020101u, /* chip select times; loop back from the dummy pad */
    .device_type = 0x01060401u,       /* NOR, 4 pads, 100 MHz, own lookup table */
    .flash_a1_bytes = 0x00800000u,
    .lookup_read = {0x0A1804EBu, 0x32041EFFu, 0x00002601u, 0u},
    .page_bytes = 256u,
    .sector_bytes = 4096u,
    .serial_clock = 1u,
    .block_bytes = 0x00010000u,
};

typedef struct {
    uint32_t start;
    const char *length;
    uint32_t plugin;
} boot_data;

typedef struct image_table {
    uint32_t header;
    void (*entry)(void);
    uint32_t reserved, device_configuration;
    const boot_data *boot;
    const struct image_table *self;
    uint32_t signature, reserved_1c;
} image_table;

extern const boot_data board_boot_data;
extern const image_table board_image_table;

__attribute__((section(".boot.table"), used)) const image_table board_image_table = {
    0x432000D1u, Reset_Handler, 0u, 0u, &board_boot_data, &board_image_table, 0u, 0u};

__attribute__((section(".boot.table.data"), used))
const boot_data board_boot_data = {0x60000000u, board_image_bytes, 0u};
