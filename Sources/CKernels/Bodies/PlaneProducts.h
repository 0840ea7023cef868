// Whole band matrices times shifted images: a block of outputs stays in registers while all columns of the filter, and of
// each one's matrix, go by. Included behind PlaneBands.h.

#ifndef productBlock
#define PRODUCT_ROWS 6
#define productBlock OF_TYPE(productBlock)
#define productRows OF_TYPE(productRows)
#define productEdge OF_TYPE(productEdge)
#endif

// Writes a block of `rows` rows, whose rows of the first matrix begin at `entries`, and whose first output meets `image`.
INLINE void productBlock(const int rows, const int vectors, const CKBands *bands, const REAL *entries, const REAL *image,
    REAL bias, REAL *output) {
  vector sums[PRODUCT_ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  for (ptrdiff_t c = 0; c < bands->channels; c++)
    for (ptrdiff_t v = 0; v < bands->filterWidth; v++, entries += bands->outputHeight * bands->height) {
      const REAL *shifted = image + (c * bands->height * bands->width + v * bands->columnDilation);
      for (ptrdiff_t row = 0; row < bands->height; row++, shifted += bands->width) {
        vector pixels[COLUMNS];
        UNROLLED for (int j = 0; j < vectors; j++) pixels[j] = load(shifted + j * LANES);
        UNROLLED for (int i = 0; i < rows; i++) {
          vector entry = broadcast(entries[i * bands->height + row]);
          UNROLLED for (int j = 0; j < vectors; j++)
            sums[i * vectors + j] = multiplyAdd(entry, pixels[j], sums[i * vectors + j]);
        }
      }
    }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * bands->outputWidth + j * LANES), sums[i * vectors + j]);
}

// `rows` rows of outputs from `a` on, of the columns where no tap stands on padding.
INLINE void productRows(const int rows, const CKBands *bands, const REAL *matrices, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t lower, ptrdiff_t upper) {
  const REAL *entries = matrices + a * bands->height;
  output += a * bands->outputWidth;
#define BLOCK(count) productBlock(rows, count, bands, entries, image + (b - bands->left), bias, output + b)
  FOR_COLUMNS(b, lower, upper, COLUMNS, BLOCK)
#undef BLOCK
}

// Some rows of one column of outputs, as many chains at once.
INLINE void productEdge(const int rows, const CKBands *bands, const REAL *matrices, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t b) {
  REAL sums[PRODUCT_ROWS];
  UNROLLED for (int i = 0; i < rows; i++) sums[i] = bias;
  const REAL *entries = matrices + a * bands->height;
  for (ptrdiff_t c = 0; c < bands->channels; c++)
    for (ptrdiff_t v = 0; v < bands->filterWidth; v++, entries += bands->outputHeight * bands->height) {
      ptrdiff_t column = b + v * bands->columnDilation - bands->left;
      if (column < 0 || column >= bands->width) continue;
      const REAL *pixels = image + (c * bands->height * bands->width + column);
      for (ptrdiff_t row = 0; row < bands->height; row++)
        UNROLLED for (int i = 0; i < rows; i++)
          sums[i] = fused(entries[i * bands->height + row], pixels[row * bands->width], sums[i]);
    }
  UNROLLED for (int i = 0; i < rows; i++) output[(a + i) * bands->outputWidth + b] = sums[i];
}

static void NAMED(ck_plane_products)(const CKBands *bands, const REAL *matrices, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  ptrdiff_t lower = bands->left, upper = bands->width + bands->left - (bands->filterWidth - 1) * bands->columnDilation;
  if (upper > bands->outputWidth) upper = bands->outputWidth;
  if (upper - lower < LANES) lower = upper = bands->outputWidth;
  for (ptrdiff_t next = first; next < end;) {
    bool isBlock = end - first >= PRODUCT_ROWS;
    ptrdiff_t a = isBlock && next + PRODUCT_ROWS > end ? end - PRODUCT_ROWS : next;
    next = a + (isBlock ? PRODUCT_ROWS : 1);
    if (lower < upper && isBlock)
      productRows(PRODUCT_ROWS, bands, matrices, image, bias, output, a, lower, upper);
    else if (lower < upper)
      productRows(1, bands, matrices, image, bias, output, a, lower, upper);
    for (ptrdiff_t b = 0; b < bands->outputWidth; b++) {
      if (b == lower) b = upper;
      if (b == bands->outputWidth) break;
      if (isBlock)
        productEdge(PRODUCT_ROWS, bands, matrices, image, bias, output, a, b);
      else
        productEdge(1, bands, matrices, image, bias, output, a, b);
    }
  }
}

// Rows of a matrix that is stored column by column, `step` apart, times a vector: several columns at once pass by the sums, so
// that these are loaded and stored but seldom, and memory is read in several streams.
static void NAMED(ck_plane_columns)(const REAL *matrix, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns,
    const REAL *factors, REAL *sums) {
  ptrdiff_t j = 0;
  for (; j + 8 <= columns; j += 8, matrix += 8 * step) {
    vector factor[8];
    UNROLLED for (int k = 0; k < 8; k++) factor[k] = broadcast(factors[j + k]);
    ptrdiff_t i = 0;
    for (; i + LANES <= rows; i += LANES) {
      vector sum = load(sums + i);
      UNROLLED for (int k = 0; k < 8; k++) sum = multiplyAdd(factor[k], load(matrix + k * step + i), sum);
      store(sums + i, sum);
    }
    for (; i < rows; i++)
      for (int k = 0; k < 8; k++) sums[i] = fused(factors[j + k], matrix[k * step + i], sums[i]);
  }
  for (; j < columns; j++, matrix += step) {
    ptrdiff_t i = 0;
    vector factor = broadcast(factors[j]);
    for (; i + LANES <= rows; i += LANES) store(sums + i, multiplyAdd(factor, load(matrix + i), load(sums + i)));
    for (; i < rows; i++) sums[i] = fused(factors[j], matrix[i], sums[i]);
  }
}

const OF_TYPE(CKPlane) NAMED(ck_plane) = {
  NAMED(ck_plane_rows),
  NAMED(ck_plane_stencil),
  NAMED(ck_plane_bands),
  NAMED(ck_plane_products),
  NAMED(ck_plane_dots),
  NAMED(ck_plane_columns),
};
