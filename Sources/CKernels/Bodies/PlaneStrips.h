// The direct form of one plane by a filter of few rows. A strip of outputs, some vectors wide, goes down the image: as many
// rows of sums stay in registers as the filter has rows, each row of the image meets all of them, by another row of the
// filter each, and completes the first; the others move up. So each pixel is loaded once for each column of the filter and
// serves all the outputs above it. Included behind Plane.h.

#ifndef TALLEST_STRIP
// The most rows of a filter whose sums fit into the registers, at least two vectors wide.
#define TALLEST_STRIP (VECTOR_REGISTERS >= 32 ? 7 : 6)
// Sums, and beside them as many pixels and one tap.
#define STRIP_VECTORS(height) ((VECTOR_REGISTERS - 1) / ((height) + 1) < 4 ? (VECTOR_REGISTERS - 1) / ((height) + 1) : 4)
// The widest filter that has masks for the outputs that it brings beside the image.
#define WIDEST_EDGE 16
// Rows of outputs that strips side by side write before those below follow: where planes come from memory few, so that not
// more is read at once than caches hold.
#define BAND_ROWS 64
#define FAR_BAND_ROWS 16
#define CACHE_LINE 64
#define Edges OF_TYPE(Edges)
#define Strip OF_TYPE(Strip)
#define OneStrip OF_TYPE(OneStrip)
#define Strips OF_TYPE(Strips)
#define columnsBeside OF_TYPE(columnsBeside)
#define onImageLanes OF_TYPE(onImageLanes)
#define setEdges OF_TYPE(setEdges)
#define meetStrip OF_TYPE(meetStrip)
#define stripDown OF_TYPE(stripDown)
#define stripsOf OF_TYPE(stripsOf)
#define areWide OF_TYPE(areWide)
#define stripsFor OF_TYPE(stripsFor)
#define stripsInside OF_TYPE(stripsInside)
#endif

// What a strip needs where it meets padding: for each column of the filter the lanes of its first and of its last vector that
// stand on the image, and the first and the last row of the image, beside which there may be nothing to load.
typedef struct Edges {
  lanes front[WIDEST_EDGE], back[WIDEST_EDGE];
  REAL rows[2][4 * LANES + WIDEST_EDGE + 2 * LANES];
} Edges;

// Outputs at the end of a row that meet padding; none where it is negative.
INLINE ptrdiff_t columnsBeside(const CKPlane *plane) {
  return plane->outputWidth + plane->filterWidth - 1 - plane->left - plane->width;
}

// The lanes of a vector of pixels from the column `column` on that stand on an image so wide.
INLINE lanes onImageLanes(ptrdiff_t column, ptrdiff_t width) {
  lanes number;
  for (int lane = 0; lane < LANES; lane++) number[lane] = lane;
  typedef __typeof__(number[0]) Lane;
  return (number >= (Lane)-column) & (number < (Lane)(width - column));
}

// A strip: so many rows of outputs, from the first on.
typedef struct Strip {
  const REAL *filter;
  ptrdiff_t width, tapStep;  // of the filter
  const REAL *image;  // the pixel of the first output by the first tap, whether it is there or not
  ptrdiff_t apart;  // from a row of the image to the next
  ptrdiff_t row, endRow;  // that of the first pixel, and the end of those that are there
  REAL bias;
  REAL *output;
  ptrdiff_t step;  // from a row of outputs to the next
  ptrdiff_t rows;  // of outputs, at least as many as the filter has less one
  ptrdiff_t last;  // from the first output of a row to that of the last vector
  const REAL *nextImage, *nextOutput;  // what is worth asking for
} Strip;

// Fills in what the strip of `plane` that begins at the column `b` needs at its edges.
static __attribute__((noinline)) void setEdges(const CKPlane *plane, const REAL *image, ptrdiff_t b, ptrdiff_t last,
    Edges *edges) {
  for (ptrdiff_t v = 0; v < plane->filterWidth; v++) {
    edges->front[v] = onImageLanes(b + v - plane->left, plane->width);
    edges->back[v] = onImageLanes(b + last + v - plane->left, plane->width);
  }
  const ptrdiff_t count = last + LANES + plane->filterWidth - 1;
  for (int i = 0; i < 2; i++)
    gather(plane, image, i * (plane->height - 1), b - plane->left, 1, count, edges->rows[i], 0);
}

// Adds the products of one image row to the sums `lowest … highest`: the sum `i` meets it by the row `height − 1 − i` of
// the filter. `row` is the pixel of the first output by the first tap.
INLINE void meetStrip(const int height, const int vectors, const int lowest, const int highest, ptrdiff_t width,
    const REAL *filter, ptrdiff_t tapStep, const REAL *row, ptrdiff_t last, const Edges *edges, vector sums[][4]) {
  for (ptrdiff_t v = 0; v < width; v++, row++, filter += tapStep) {
    vector pixels[4];
    UNROLLED for (int j = 0; j < vectors; j++) pixels[j] = load(row + (j < vectors - 1 ? j * LANES : last));
    if (edges) {
      pixels[0] = masked(pixels[0], edges->front[v]);
      pixels[vectors - 1] = masked(pixels[vectors - 1], edges->back[v]);
    }
    UNROLLED for (int i = lowest; i <= highest; i++) {
      vector tap = broadcast(filter[(height - 1 - i) * width * tapStep]);
      UNROLLED for (int j = 0; j < vectors; j++) sums[i][j] = multiplyAdd(tap, pixels[j], sums[i][j]);
    }
  }
}

// Writes the outputs of a strip. `edges` is NULL where it meets no padding beside the image.
INLINE void stripDown(const int height, const int vectors, const bool isFar, const Strip *strip, const Edges *edges) {
  // Kept here, since nobody could know that the outputs don't overlap with `strip`.
  const REAL *const filter = strip->filter, *image = strip->image, *nextImage = strip->nextImage;
  const REAL *nextOutput = strip->nextOutput;
  REAL *output = strip->output;
  const ptrdiff_t width = strip->width, tapStep = strip->tapStep, apart = strip->apart, step = strip->step, last = strip->last;
  const vector bias = broadcast(strip->bias);
  vector sums[TALLEST_STRIP][4];
  UNROLLED for (int i = 0; i < height; i++)
    UNROLLED for (int j = 0; j < vectors; j++) sums[i][j] = bias;
  ptrdiff_t r = strip->row;
  const ptrdiff_t endRow = strip->endRow;
#define MEET(lowest, highest)                                                                    \
  {                                                                                              \
    const REAL *row = image;                                                                     \
    if (edges && r == 0) row = edges->rows[0];                                                   \
    if (edges && r == endRow - 1) row = edges->rows[1];                                          \
    meetStrip(height, vectors, lowest, highest, width, filter, tapStep, row, last, edges, sums); \
  }
#define COMPLETE                                                              \
  UNROLLED for (int j = 0; j < vectors; j++)                                  \
    store(output + (j < vectors - 1 ? j * LANES : last), sums[0][j]);         \
  output += step;                                                             \
  if (isFar) {                                                                \
    UNROLLED for (int j = 0; j < vectors * VECTOR_BYTES; j += CACHE_LINE) {   \
      __builtin_prefetch((const char *)nextImage + j, 0, 2);                  \
      __builtin_prefetch((const char *)nextOutput + j, 1, 2);                 \
    }                                                                         \
    nextImage += vectors * LANES;                                             \
    nextOutput += vectors * LANES;                                            \
  }
#define MOVE_UP                                                                                     \
  UNROLLED for (int i = 0; i < height; i++)                                                         \
    UNROLLED for (int j = 0; j < vectors; j++) sums[i][j] = i < height - 1 ? sums[i + 1][j] : bias; \
  image += apart, r++;
  UNROLLED for (int k = 1; k < height; k++) {
    if (r >= 0 && r < endRow) MEET(height - k, height - 1)
    MOVE_UP
  }
  // There is no more padding on a side than the filter reaches over, so that these rows are there.
  for (ptrdiff_t k = height - 1; k < strip->rows; k++) {
    MEET(0, height - 1)
    COMPLETE
    MOVE_UP
  }
  UNROLLED for (int k = 1; k < height; k++) {
    if (r >= 0 && r < endRow) MEET(0, height - 1 - k)
    COMPLETE
    MOVE_UP
  }
#undef MOVE_UP
#undef COMPLETE
#undef MEET
}

// The strips of one height, in the middle, the same of images that come from far away, and at an edge: functions of their own,
// since the compiler keeps more in registers there.
#define STRIP(name, height, vectors, isFar, edges)                                                                         \
  static __attribute__((noinline)) void OF_TYPE(name)(const Strip *strip, __attribute__((unused)) const Edges *around) {   \
    stripDown(height, vectors, isFar, strip, edges);                                                                       \
  }
#define STRIPS(height)                                               \
  STRIP(strip##height##x1, height, 1, false, NULL)                   \
  STRIP(strip##height##x2, height, 2, false, NULL)                   \
  STRIP(strip##height, height, STRIP_VECTORS(height), false, NULL)   \
  STRIP(farStrip##height, height, STRIP_VECTORS(height), true, NULL) \
  STRIP(edgeStrip##height##x1, height, 1, false, around)             \
  STRIP(edgeStrip##height##x2, height, 2, false, around)             \
  STRIP(edgeStrip##height, height, STRIP_VECTORS(height), false, around)
STRIPS(2) STRIPS(3) STRIPS(4) STRIPS(5) STRIPS(6)
#if TALLEST_STRIP > 6
STRIPS(7)
#endif
#undef STRIPS
#undef STRIP

typedef void (*OneStrip)(const Strip *strip, const Edges *around);
typedef struct Strips {
  int vectors;  // of the widest
  OneStrip one, two, widest, far, oneAtEdge, twoAtEdge, widestAtEdge;
} Strips;

// The strips for so many rows of a plane; NULL where they don't serve it.
static const Strips *stripsFor(const CKPlane *plane, ptrdiff_t rows) {
#define STRIPS(height)                                                                                       \
  {STRIP_VECTORS(height), OF_TYPE(strip##height##x1), OF_TYPE(strip##height##x2), OF_TYPE(strip##height),    \
      OF_TYPE(farStrip##height), OF_TYPE(edgeStrip##height##x1), OF_TYPE(edgeStrip##height##x2),             \
      OF_TYPE(edgeStrip##height)}
  static const Strips strips[] = {
    STRIPS(2), STRIPS(3), STRIPS(4), STRIPS(5), STRIPS(6),
#if TALLEST_STRIP > 6
    STRIPS(7),
#endif
  };
#undef STRIPS
  const ptrdiff_t height = plane->filterHeight;
  if (plane->channels > 1 || height < 2 || height > TALLEST_STRIP || rows < height - 1) return NULL;
  const ptrdiff_t below = plane->outputHeight + height - 1 - plane->top - plane->height;
  if (plane->top >= height || below >= height) return NULL;
  if (plane->filterWidth > WIDEST_EDGE && (ck_plane_is_padded(plane) || plane->outputWidth < LANES)) return NULL;
  return &strips[height - 2];
}

// Whether strips are wide enough for planes as they are; others come with their padding around them.
INLINE bool areWide(const CKPlane *plane) {
  return plane->outputWidth >= LANES && plane->width >= LANES && plane->left <= LANES && columnsBeside(plane) <= LANES;
}

// The rows `first ..< end` of a plane, strip by strip; rows of the output are `step` apart. What is asked for ahead, where planes
// come from memory, is the image and the output below, in the order in which they stand there: so memory is read fastest, and
// strips across its rows would not let the processor foresee it.
static void stripsOf(const Strips *with, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t step, ptrdiff_t first, ptrdiff_t end) {
  const ptrdiff_t height = plane->filterHeight, width = plane->outputWidth, beside = columnsBeside(plane);
  const bool isFar = plane->height * plane->width * height * (ptrdiff_t)sizeof(REAL) > FAR;
  Edges edges;
  for (ptrdiff_t a = first, bottom; a < end; a = bottom) {
    bottom = a + (isFar ? FAR_BAND_ROWS : BAND_ROWS);
    if (end - bottom < height) bottom = end;
    const ptrdiff_t top = a - plane->top;
    Strip strip = {filter, plane->filterWidth, plane->tapStep, NULL, plane->width, top, plane->height, bias, NULL, step,
        bottom - a, 0, image + (top + bottom - a + height - 1) * plane->width, output + bottom * step};
    for (ptrdiff_t b = 0, right; b < width; b = right) {
      const ptrdiff_t left = (width - b + LANES - 1) / LANES;
      ptrdiff_t vectors = left >= with->vectors ? with->vectors : left > 1 ? 2 : 1;
      right = b + vectors * LANES;
      // The last vector may overlap with the one before it, which must not meet padding then: only the first and the last
      // have masks.
      if (vectors > 2 && right > width && width - (right - LANES) < beside) vectors = 2, right = b + 2 * LANES;
      if (right > width) right = width;
      if (right - b < LANES) b = right - LANES;
      strip.image = image + (top * plane->width + b - plane->left);
      strip.output = output + (a * step + b);
      strip.last = right - LANES - b;
      if (b < plane->left || width - right < beside) {
        setEdges(plane, image, b, strip.last, &edges);
        (vectors == 1 ? with->oneAtEdge : vectors == 2 ? with->twoAtEdge : with->widestAtEdge)(&strip, &edges);
      } else {
        (vectors == 1 ? with->one : vectors == 2 ? with->two : isFar ? with->far : with->widest)(&strip, NULL);
      }
      strip.nextImage += (right - b) * strip.rows;
      strip.nextOutput += (right - b) * strip.rows;
    }
  }
}

// Outputs that meet no padding, `tall` × `wide` of them, the first of which meets `image` by the first tap; image rows are
// `apart`, and output rows `step`.
static void stripsInside(const CKPlane *plane, const REAL *filter, const REAL *image, ptrdiff_t apart, REAL bias,
    REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {
  CKPlane inside = *plane;
  inside.height = tall + plane->filterHeight - 1;
  inside.width = apart;
  inside.outputHeight = tall;
  inside.outputWidth = wide;
  inside.top = inside.left = 0;
  stripsOf(stripsFor(&inside, tall), &inside, filter, image, bias, output, step, 0, tall);
}
