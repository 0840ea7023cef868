// The direct form of one plane by a filter of any size, in blocks of outputs, and what chooses among the ways.
// Included behind PlaneStrips.h.

#ifndef FEWEST
// Vectors between the edges from which on only the edges are gathered.
#define FEWEST 4
#define planeBlock OF_TYPE(planeBlock)
#define insideBlock OF_TYPE(insideBlock)
#define askAhead OF_TYPE(askAhead)
#define insideRows OF_TYPE(insideRows)
#define anyRow OF_TYPE(anyRow)
#define functions OF_TYPE(functions)
#define functionsFor OF_TYPE(functionsFor)
#define clamped OF_TYPE(clamped)
#endif

// Writes a block of outputs: `rows` × `vectors`, the first at (`a`, `b`). `output` is where it goes, `step` from row to row.
INLINE void planeBlock(const int rows, const int vectors, const CKPlane *plane, const REAL *filter, const REAL *image,
    REAL bias, ptrdiff_t a, ptrdiff_t b, REAL *output, ptrdiff_t step) {
  const ptrdiff_t height = plane->filterHeight, width = plane->filterWidth;
  ptrdiff_t top = a - plane->top, left = b - plane->left;
  ptrdiff_t tall = rows + height - 1, wide = vectors * LANES + width - 1;
  ptrdiff_t first = top < 0 ? -top : 0;
  ptrdiff_t end = plane->height - top < tall ? plane->height - top : tall;
  bool isInside = left >= 0 && left + wide <= plane->width;
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  REAL tile[CK_TILE];
  ptrdiff_t offset = isInside ? top * plane->width + left : 0;
  ptrdiff_t apart = isInside ? plane->width : (wide + 2 * LANES - 1) / LANES * LANES;
  for (ptrdiff_t c = 0; c < plane->channels; c++) {
    if (!isInside) gather(plane, image, top, left, tall, wide, tile, apart);
    const REAL *source = isInside ? image : tile;
    meetPlane(rows, vectors, height, width, filter, plane->tapStep, source, offset, apart, first, end, sums);
    filter += plane->filterStep;
    image += plane->height * plane->width;
  }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
}

// The same for one channel and a block that meets no padding: its first output meets `image` by the first tap.
INLINE void insideBlock(const int rows, const int vectors, const CKPlane *plane, const REAL *filter, const REAL *image,
    ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step) {
  const ptrdiff_t height = plane->filterHeight;
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  meetPlane(rows, vectors, height, plane->filterWidth, filter, plane->tapStep, image, 0, apart, 0, rows + height - 1, sums);
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
}

// Asks for what the block below the one at `image` and `output` will read and write, where planes come from memory: rows are
// too far apart there for the processor to see what follows.
INLINE void askAhead(const int rows, const int vectors, const ptrdiff_t height, const REAL *image, ptrdiff_t apart,
    const REAL *output, ptrdiff_t step) {
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) {
      __builtin_prefetch(image + (rows + height - 1 + i) * apart + j * LANES, 0, 2);
      __builtin_prefetch(output + (rows + i) * step + j * LANES, 1, 2);
    }
}

// Outputs of one channel that meet no padding, `tall` × `wide` of them, at least `rows` × LANES. The first meets `image` by
// the first tap; image rows are `apart`, and output rows `step`.
INLINE void insideRows(const int rows, const CKPlane *plane, const REAL *filter, const REAL *image, ptrdiff_t apart,
    REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {
  const bool isFar = tall * apart * plane->filterHeight * (ptrdiff_t)sizeof(REAL) > FAR;
  for (ptrdiff_t next = 0; next < tall; next += rows) {
    ptrdiff_t a = next + rows <= tall ? next : tall - rows;
    const REAL *source = image + a * apart;
    REAL *target = output + a * step;
    const bool isAsked = isFar && a + 2 * rows <= tall;
#define BLOCK(count)                                                                               \
  {                                                                                                \
    if (isAsked) askAhead(rows, count, plane->filterHeight, source + b, apart, target + b, step);  \
    insideBlock(rows, count, plane, filter, source + b, apart, bias, target + b, step);            \
  }
    FOR_COLUMNS(b, 0, wide, COLUMNS, BLOCK)
#undef BLOCK
  }
}

// Any outputs of `rows` rows from `a` on, of the columns `first ..< end`, at least LANES. `output` is where the first goes.
INLINE void anyRow(const int rows, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t step, ptrdiff_t a, ptrdiff_t first, ptrdiff_t end) {
#define BLOCK(count) planeBlock(rows, count, plane, filter, image, bias, a, b, output + (b - first), step)
  FOR_COLUMNS(b, first, end, COLUMNS, BLOCK)
#undef BLOCK
}

// The two functions for one row of outputs, and for ROWS of them by filters that are at least as tall.
#define FUNCTIONS(name, BLOCK_ROWS)                                                                                        \
  static __attribute__((noinline)) void OF_TYPE(name##Inside)(const CKPlane *plane, const REAL *filter, const REAL *image, \
      ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {                          \
    insideRows(BLOCK_ROWS, plane, filter, image, apart, bias, output, step, tall, wide);                                   \
  }                                                                                                                        \
  static __attribute__((noinline)) void OF_TYPE(name##Any)(const CKPlane *plane, const REAL *filter, const REAL *image,    \
      REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t a, ptrdiff_t first, ptrdiff_t end) {                              \
    anyRow(BLOCK_ROWS, plane, filter, image, bias, output, step, a, first, end);                                           \
  }
FUNCTIONS(oneRow, 1)
FUNCTIONS(manyRows, ROWS)
#undef FUNCTIONS

typedef struct functions {
  int rows;  // of a block
  void (*inside)(const CKPlane *plane, const REAL *filter, const REAL *image, ptrdiff_t apart, REAL bias, REAL *output,
      ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide);
  void (*any)(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output, ptrdiff_t step,
      ptrdiff_t a, ptrdiff_t first, ptrdiff_t end);
} functions;

INLINE functions functionsFor(const CKPlane *plane, ptrdiff_t rows) {
  if (rows < ROWS || plane->filterHeight < ROWS) return (functions){1, OF_TYPE(oneRowInside), OF_TYPE(oneRowAny)};
  return (functions){ROWS, OF_TYPE(manyRowsInside), OF_TYPE(manyRowsAny)};
}

// The outputs of the rows `a ..< endRow` and the columns `b ..< endColumn`, wherever they are; `output` is where row 0
// begins.
static void OF_TYPE(anyOutputs)(functions with, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t endRow, ptrdiff_t b, ptrdiff_t endColumn) {
  if (a >= endRow || b >= endColumn) return;
  if (endRow - a < with.rows) with = functionsFor(plane, endRow - a);
  ptrdiff_t step = plane->outputWidth;
  for (; a < endRow; a += with.rows) {
    if (a + with.rows > endRow) a = endRow - with.rows;
    REAL *to = output + (a * step + b);
    if (endColumn - b >= LANES) {
      with.any(plane, filter, image, bias, to, step, a, b, endColumn);
    } else {
      // Outputs behind the row are computed too, and left.
      REAL tile[ROWS * LANES];
      with.any(plane, filter, image, bias, tile, LANES, a, b, b + LANES);
      for (int i = 0; i < with.rows; i++)
        for (ptrdiff_t j = 0; j < endColumn - b; j++) to[i * step + j] = tile[i * LANES + j];
    }
  }
}

// One channel, from a copy with its padding around it: as many outputs at once as fit into a tile. There are at least as
// many rows as a block has.
static void OF_TYPE(gatheredOutputs)(functions with, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t endRow, ptrdiff_t b, ptrdiff_t endColumn) {
  REAL tile[CK_TILE];
  ptrdiff_t most = CK_TILE / (plane->filterHeight - 1 + with.rows) - (plane->filterWidth - 1 + 2 * LANES);
  for (ptrdiff_t right; b < endColumn; b = right) {
    right = endColumn - b > most ? b + most : endColumn;
    // What is left is at least a vector.
    if (right < endColumn && endColumn - right < LANES) right -= LANES;
    ptrdiff_t count = right - b < LANES ? LANES : right - b, wide = count + plane->filterWidth - 1;
    ptrdiff_t apart = (wide + 2 * LANES - 1) / LANES * LANES;
    ptrdiff_t tall = CK_TILE / apart - (plane->filterHeight - 1);
    for (ptrdiff_t row = a; row < endRow; row += tall) {
      ptrdiff_t rows = endRow - row < tall ? endRow - row : tall;
      if (rows < with.rows) row = endRow - with.rows, rows = with.rows;
      gather(plane, image, row - plane->top, b - plane->left, rows + plane->filterHeight - 1, wide, tile, apart);
      REAL *to = output + (row * plane->outputWidth + b);
      if (count == right - b) {
        with.inside(plane, filter, tile, apart, bias, to, plane->outputWidth, rows, count);
      } else {
        // Outputs behind the row are computed too, and left. A row of the tile is at least two vectors.
        REAL made[CK_TILE / 2];
        with.inside(plane, filter, tile, apart, bias, made, LANES, rows, LANES);
        for (ptrdiff_t i = 0; i < rows; i++)
          for (ptrdiff_t j = 0; j < right - b; j++) to[i * plane->outputWidth + j] = made[i * LANES + j];
      }
    }
  }
}

INLINE ptrdiff_t clamped(ptrdiff_t value, ptrdiff_t lower, ptrdiff_t upper) {
  return value < lower ? lower : value > upper ? upper : value;
}

static void OF_TYPE(blocksOf)(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  functions with = functionsFor(plane, end - first);
  // The part that meets no padding; the columns beside it are a whole number of vectors, since no fewer are computed.
  ptrdiff_t top = clamped(plane->top, first, end);
  ptrdiff_t bottom = clamped(plane->height - plane->filterHeight + 1 + plane->top, top, end);
  ptrdiff_t right = plane->width - plane->filterWidth + 1 + plane->left;
  ptrdiff_t outside = right < plane->outputWidth ? plane->outputWidth - right : 0;
  ptrdiff_t from = (plane->left + LANES - 1) / LANES * LANES;
  ptrdiff_t to = plane->outputWidth - (outside + LANES - 1) / LANES * LANES;
  if (plane->channels > 1) {
    OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    return;
  }
  // Where little would be left between the edges, all is gathered.
  if (to - from < LANES || (to - from < FEWEST * LANES && to - from < plane->outputWidth)) {
    if (bottom - top >= with.rows) {
      OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, top, 0, plane->outputWidth);
      OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, 0, plane->outputWidth);
      OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, bottom, end, 0, plane->outputWidth);
    } else {
      OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    }
    return;
  }
  if (bottom - top < with.rows) {
    OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    return;
  }
  OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, top, 0, plane->outputWidth);
  OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, 0, from);
  const REAL *source = image + ((top - plane->top) * plane->width + (from - plane->left));
  REAL *target = output + (top * plane->outputWidth + from);
  with.inside(plane, filter, source, plane->width, bias, target, plane->outputWidth, bottom - top, to - from);
  OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, to, plane->outputWidth);
  OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, bottom, end, 0, plane->outputWidth);
}

static void NAMED(ck_plane_rows)(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  if (!ck_plane_is_dense(plane)) {
    steppedRows(plane, filter, image, bias, output, first, end);
    return;
  }
  const Strips *strips = stripsFor(plane, end - first);
  if (!strips)
    OF_TYPE(blocksOf)(plane, filter, image, bias, output, first, end);
  else if (areWide(plane))
    stripsOf(strips, plane, filter, image, bias, output, plane->outputWidth, first, end);
  else
    OF_TYPE(gatheredOutputs)((functions){(int)plane->filterHeight - 1, stripsInside, NULL}, plane, filter, image, bias,
        output, first, end, 0, plane->outputWidth);
}
