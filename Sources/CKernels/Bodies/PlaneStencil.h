// The rows of a sparse Toeplitz matrix times an image: row by row of the outputs, each with all the entries of the stencil,
// one after the other. Included behind Plane.h.

#ifndef STENCIL_VECTORS
// Sums that stay in registers: enough of them for one entry's weight to be spread but seldom.
#define STENCIL_VECTORS (VECTOR_REGISTERS >= 32 ? 8 : 4)
#define CKStencilEntry_f32 CKStencilEntryF32
#define CKStencilEntry_f64 CKStencilEntryF64
#define Entry OF_TYPE(CKStencilEntry)
#define fused OF_TYPE(fused)
#define stencilBlock OF_TYPE(stencilBlock)
#define stencilInterior OF_TYPE(stencilInterior)
#define stencilRow OF_TYPE(stencilRow)
#define onImage OF_TYPE(onImage)
#endif

INLINE REAL fused(REAL a, REAL b, REAL c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The entries of a block whose rows, counted from `top`, stand on the image: they are in the order of their rows.
INLINE CKStencilBlock onImage(const Entry *entries, CKStencilBlock block, ptrdiff_t top, ptrdiff_t height) {
  while (block.first < block.end && top + entries[block.first].row < 0) block.first++;
  while (block.end > block.first && top + entries[block.end - 1].row >= height) block.end--;
  return block;
}

// Some vectors of outputs, by all entries of all channels; `image` is where the row `top` has the pixel of the first output.
INLINE void stencilBlock(const int vectors, const bool isInside, const CKStencil *stencil, const Entry *entries,
    const CKStencilBlock *blocks, ptrdiff_t top, const REAL *image, REAL bias, REAL *output) {
  vector sums[STENCIL_VECTORS];
  UNROLLED for (int j = 0; j < vectors; j++) sums[j] = broadcast(bias);
  for (ptrdiff_t c = 0; c < stencil->channels; c++) {
    CKStencilBlock block = isInside ? blocks[c] : onImage(entries, blocks[c], top, stencil->height);
    for (ptrdiff_t index = block.first; index < block.end; index++) {
      vector weight = broadcast(entries[index].weight);
      const REAL *pixels = image + (entries[index].row * stencil->width + entries[index].column);
      UNROLLED for (int j = 0; j < vectors; j++) sums[j] = multiplyAdd(weight, load(pixels + j * LANES), sums[j]);
    }
    image += stencil->height * stencil->width;
  }
  UNROLLED for (int j = 0; j < vectors; j++) store(output + j * LANES, sums[j]);
}

// The outputs of a row that every entry reaches, at least LANES. Where the last vectors would not be full they begin
// earlier.
INLINE void stencilInterior(const bool isInside, const CKStencil *stencil, const Entry *entries,
    const CKStencilBlock *blocks, ptrdiff_t lower, ptrdiff_t upper, ptrdiff_t top, const REAL *image, REAL bias,
    REAL *output) {
#define BLOCK(count)                                                                                           \
  {                                                                                                            \
    if (b + (count) * LANES > upper) b = upper - (count) * LANES;                                              \
    stencilBlock(count, isInside, stencil, entries, blocks, top, image + b, bias, output + b);                 \
    b += (count) * LANES;                                                                                      \
  }
  for (ptrdiff_t b = lower; b < upper;) {
    ptrdiff_t left = upper - b;
    if (left > STENCIL_VECTORS / 2 * LANES && upper - lower >= STENCIL_VECTORS * LANES) BLOCK(STENCIL_VECTORS)
    else if (left > 2 * LANES && upper - lower >= 4 * LANES) BLOCK(4)
    else if (left > LANES && upper - lower >= 2 * LANES) BLOCK(2)
    else BLOCK(1)
  }
#undef BLOCK
}

// One row of outputs: those that every entry reaches in vectors, the others one by one.
static void stencilRow(const CKStencil *stencil, const Entry *entries, const CKStencilBlock *blocks, ptrdiff_t lower,
    ptrdiff_t upper, ptrdiff_t top, const REAL *image, REAL bias, REAL *output) {
  image += top * stencil->width;
  bool isInside = true;
  for (ptrdiff_t c = 0; c < stencil->channels; c++)
    if (blocks[c].first < blocks[c].end)
      isInside = isInside && top + entries[blocks[c].first].row >= 0 &&
          top + entries[blocks[c].end - 1].row < stencil->height;
  if (isInside)
    stencilInterior(true, stencil, entries, blocks, lower, upper, top, image, bias, output);
  else
    stencilInterior(false, stencil, entries, blocks, lower, upper, top, image, bias, output);
  for (ptrdiff_t b = 0; b < stencil->outputWidth; b++) {
    if (b == lower) b = upper;
    if (b == stencil->outputWidth) break;
    REAL sum = bias;
    const REAL *plane = image + b;
    for (ptrdiff_t c = 0; c < stencil->channels; c++) {
      CKStencilBlock block = onImage(entries, blocks[c], top, stencil->height);
      for (ptrdiff_t index = block.first; index < block.end; index++) {
        const Entry *entry = entries + index;
        if (b >= entry->lower && b < entry->upper)
          sum = fused(entry->weight, plane[entry->row * stencil->width + entry->column], sum);
      }
      plane += stencil->height * stencil->width;
    }
    output[b] = sum;
  }
}

static void NAMED(ck_plane_stencil)(const CKStencil *stencil, const Entry *entries, const CKStencilBlock *blocks,
    const REAL *image, REAL bias, REAL *output, ptrdiff_t first, ptrdiff_t end) {
  ptrdiff_t lower = 0, upper = stencil->outputWidth;
  for (ptrdiff_t c = 0; c < stencil->channels; c++) {
    if (blocks[c].lower > lower) lower = blocks[c].lower;
    if (blocks[c].upper < upper) upper = blocks[c].upper;
  }
  if (upper - lower < LANES) lower = upper = stencil->outputWidth;
  for (ptrdiff_t a = first; a < end; a++)
    stencilRow(stencil, entries, blocks, lower, upper, a * stencil->rowStride, image, bias,
        output + a * stencil->outputWidth);
}
