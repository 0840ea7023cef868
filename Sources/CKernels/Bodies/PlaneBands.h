// Bands times shifted images: for each column of the filter in turn its band, that is, its diagonals, times the image
// shifted by that column. A block of outputs stays in registers while the columns of the filter go by. Included behind
// Plane.h and PlaneStencil.h.

#ifndef bandBlock
#define bandBlock OF_TYPE(bandBlock)
#define bandRows OF_TYPE(bandRows)
#define bandEdge OF_TYPE(bandEdge)
#endif

// Writes a block of `rows` rows, all of whose pixels are there. `height` is that of the band: a filter of one column.
INLINE void bandBlock(const int rows, const int vectors, const ptrdiff_t height, const CKBands *bands, const REAL *diagonals,
    const REAL *image, REAL bias, REAL *output, ptrdiff_t step) {
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  for (ptrdiff_t c = 0; c < bands->channels; c++) {
    const REAL *shifted = image + c * bands->height * bands->width;
    for (ptrdiff_t v = 0; v < bands->filterWidth; v++, shifted += bands->columnDilation, diagonals += bands->filterHeight)
      meetPlane(rows, vectors, height, 1, diagonals, 1, shifted, 0, bands->rowDilation * bands->width, 0,
          rows + height - 1, sums);
  }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
}

// `rows` rows of outputs from `a` on; the taps `firstTap ..< endTap` of each column of the filter stand on the image.
INLINE void bandRows(const int rows, const int vectors, const ptrdiff_t height, const CKBands *bands, const REAL *diagonals,
    const REAL *image, REAL bias, REAL *output, ptrdiff_t a, ptrdiff_t firstTap, ptrdiff_t lower, ptrdiff_t upper) {
  const REAL *source =
      image + ((a * bands->rowStride + firstTap * bands->rowDilation - bands->top) * bands->width - bands->left);
  REAL *target = output + a * bands->outputWidth;
#define BLOCK(count) \
  bandBlock(rows, count, height, bands, diagonals + firstTap, source + b, bias, target + b, bands->outputWidth)
  FOR_COLUMNS(b, lower, upper, vectors, BLOCK)
#undef BLOCK
}

// One output.
static REAL bandEdge(const CKBands *bands, const REAL *diagonals, const REAL *image, REAL bias, ptrdiff_t a, ptrdiff_t b,
    ptrdiff_t firstTap, ptrdiff_t endTap) {
  REAL sum = bias;
  for (ptrdiff_t c = 0; c < bands->channels; c++) {
    const REAL *plane = image + c * bands->height * bands->width;
    for (ptrdiff_t v = 0; v < bands->filterWidth; v++, diagonals += bands->filterHeight) {
      ptrdiff_t column = b + v * bands->columnDilation - bands->left;
      if (column < 0 || column >= bands->width) continue;
      for (ptrdiff_t u = firstTap; u < endTap; u++) {
        ptrdiff_t row = a * bands->rowStride + u * bands->rowDilation - bands->top;
        sum = fused(diagonals[u], plane[row * bands->width + column], sum);
      }
    }
  }
  return sum;
}

static void NAMED(ck_plane_bands)(const CKBands *bands, const REAL *diagonals, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  const ptrdiff_t height = bands->filterHeight, stride = bands->rowStride, dilation = bands->rowDilation;
  ptrdiff_t lower = bands->left, upper = bands->width + bands->left - (bands->filterWidth - 1) * bands->columnDilation;
  if (upper > bands->outputWidth) upper = bands->outputWidth;
  if (upper - lower < LANES) lower = upper = bands->outputWidth;
  for (ptrdiff_t a = first; a < end;) {
    ptrdiff_t top = a * stride - bands->top;
    ptrdiff_t firstTap = top < 0 ? (-top + dilation - 1) / dilation : 0;
    ptrdiff_t endTap = bands->height > top ? (bands->height - top + dilation - 1) / dilation : 0;
    if (firstTap > height) firstTap = height;
    if (endTap > height) endTap = height;
    if (endTap < firstTap) endTap = firstTap;
    ptrdiff_t rows = 1;
    if (lower < upper) {
      bool isBlock = stride == 1 && dilation == 1 && top >= 0 && top + ROWS + height - 1 <= bands->height && a + ROWS <= end;
      if (isBlock && height > 1) {
        rows = ROWS;
        if (height == 2)
          bandRows(ROWS, 2, 2, bands, diagonals, image, bias, output, a, 0, lower, upper);
        else if (height == 3)
          bandRows(ROWS, 2, 3, bands, diagonals, image, bias, output, a, 0, lower, upper);
        else
          bandRows(ROWS, COLUMNS, height, bands, diagonals, image, bias, output, a, 0, lower, upper);
      } else {
        bandRows(1, COLUMNS, endTap - firstTap, bands, diagonals, image, bias, output, a, firstTap, lower, upper);
      }
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
      REAL *row = output + (a + i) * bands->outputWidth;
      for (ptrdiff_t b = 0; b < lower; b++)
        row[b] = bandEdge(bands, diagonals, image, bias, a + i, b, firstTap, endTap);
      for (ptrdiff_t b = upper; b < bands->outputWidth; b++)
        row[b] = bandEdge(bands, diagonals, image, bias, a + i, b, firstTap, endTap);
    }
    a += rows;
  }
}
