/* Cepstral coefficients from the natural logarithms of mel energies. */
#ifndef TK_MFCC_H
#define TK_MFCC_H

/* The cosine transform, a row of FEATURES_BANDS factors for every coefficient; the unit of the
 * logarithm and the scale of the model's input are in it. */
extern const float tk_cosines[FEATURES_ROW_VALUES * FEATURES_BANDS];

#endif
