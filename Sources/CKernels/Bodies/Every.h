// Every kernel once for each element type. Included by each variant's file, which says VARIANT, VECTOR_BYTES (the width of a
// register), VECTOR_REGISTERS (how many there are) and FUSED (whether `a · b + c` rounds once).
#include <stddef.h>
#include <stdint.h>
#include "CKernels.h"

#define REAL float
#define TYPE f32
#include "Vector.h"
#include "Limits.h"
#include "Plane.h"
#include "PlaneStrips.h"
#include "PlaneSteps.h"
#include "PlaneBlocks.h"
#include "PlaneStencil.h"
#include "PlaneBands.h"
#include "PlaneDots.h"
#include "PlaneProducts.h"
#include "Transpose.h"
#include "Channels.h"
#include "Lanes.h"
#include "FilterGradient.h"
#include "Winograd.h"
#include "Fourier.h"
#include "WeightedSum.h"
#undef REAL
#undef TYPE

#define REAL double
#define TYPE f64
#include "Vector.h"
#include "Limits.h"
#include "Plane.h"
#include "PlaneStrips.h"
#include "PlaneSteps.h"
#include "PlaneBlocks.h"
#include "PlaneStencil.h"
#include "PlaneBands.h"
#include "PlaneDots.h"
#include "PlaneProducts.h"
#include "Transpose.h"
#include "Channels.h"
#include "Lanes.h"
#include "FilterGradient.h"
#include "Winograd.h"
#include "Fourier.h"
#include "WeightedSum.h"
#include "Reference.h"
#include "Screen.h"
#undef REAL
#undef TYPE
