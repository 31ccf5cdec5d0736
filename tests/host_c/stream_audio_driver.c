/* Feeds int16 samples from stdin to a streamed model in chunks, twice, and writes its outputs.
 * usage: stream_audio_driver CHUNK_SAMPLES (0: all at once) */
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
    for (int clip = 0; clip < 2; clip++) {
#ifdef NETWORK_NEEDS_SET_LEVEL
        network_audio_set_level(&a, samples, total);
#endif
        for (size_t start = 0; start < total; start += chunk) {
            const size_t left = total - start;
            if (network_push_audio(&a, &samples[start], left < chunk ? left : chunk) !=
                NETWORK_OK) {
                return 3;
            }
        }
        if (network_audio_finish(&a) != NETWORK_OK) {
            return 4;
        }
        for (uint32_t output = 0; output < NETWORK_OUTPUTS; output++) {
            fwrite(network_output(&a.model, output), 1, network_output_bytes[output], stdout);
        }
        network_audio_reset(&a);
    }
    return 0;
}
