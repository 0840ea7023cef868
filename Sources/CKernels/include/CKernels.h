// The inner loops, each written once and compiled for several instruction sets; one of these is chosen when the process starts.
#ifndef CKERNELS_H
#define CKERNELS_H
#include "CKChannels.h"
#include "CKFilterGradient.h"
#include "CKFourier.h"
#include "CKLanes.h"
#include "CKLimits.h"
#include "CKPlane.h"
#include "CKReference.h"
#include "CKScreen.h"
#include "CKVariant.h"
#include "CKWeightedSum.h"
#include "CKWinograd.h"
#endif
