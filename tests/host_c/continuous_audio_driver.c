/* Feeds int16 samples from stdin to a continuous model in chunks, twice, and writes every output.
 * usage: continuous_audio_driver CHUNK_SAMPLES (0: all at once) */
#include "network_audio.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static int16_t samples[1u << 22];
    static network_audio a;
    if (argc != 2) {
        return 2;
    }
    const size_t total = fread(samples, sizeof samples[0], 1u << 22, stdin);
    const size_t chunk = argv[1][0] == '0' ? total + 1 : (size_t)atoi(argv[1]);
    network_audio_init(&a);
    for (int turn = 0; turn < 2; turn++) {
        for (size_t start = 0; start < total; start += chunk) {
            const size_t left = total - start;
            const int16_t *next = &samples[start];
            size_t count = left < chunk ? left : chunk;
            while (network_push_audio(&a, &next, &count)) {
                for (uint32_t output = 0; output < NETWORK_OUTPUTS; output++) {
                    fwrite(network_output(&a.model, output), 1, network_output_bytes[output],
                           stdout);
                }
            }
        }
        network_audio_reset(&a);
    }
    return 0;
}
