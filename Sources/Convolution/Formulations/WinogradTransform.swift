import Buffers

/// One direction of a Winograd operator: a correlation with stride 1, tile by tile, its filters transformed
/// already.
///
/// The adjoint of a correlation is one itself, of the outputs with the filters rotated by 180° and their
/// channels exchanged, the padding before an axis being `r − 1 − p`, which may be below zero: then rows are
/// left out.
///
/// **Order of operations**, which the bound relies on. Tiles are taken in blocks, and in each array the
/// numbers of a block's tiles lie side by side. Each transform sums along one axis first, then along the
/// other, its terms one after the other in the order of the matrix's columns, zero entries left out; so `U =
/// (G g) Gᵀ`, `V = (Bᵀ d) B`, `M = Σ_c U_c ⊙ V_c` in the order of the channels, and `Y = (Aᵀ M) A`. Each
/// image tile is transformed once for all output channels of its group, each sum over channels back only
/// once.
/// The kernel keeps to this order; where it fuses a product with its addition, a term passes fewer roundings.
final class WinogradTransform<Scalar: RationalRing>: Sendable {
  private let sizes: WinogradSizes
  private let batch: Int
  private let groups: Int
  private let dataMatrix: AlignedBuffer<Scalar>
  private let outputMatrix: AlignedBuffer<Scalar>
  /// The transformed filters: for each place of the tile, output channel and channel of its group; for the kernel in its order.
  private let filters: AlignedBuffer<Scalar>
  /// What every transformed pixel starts from: zero but in a bound.
  private let dataOffset: Scalar
  /// What computes it, with its own order of the filters; nil in a bound, and for numbers that there is no kernel for.
  private let kernel: WinogradTable?

  /// Transforms the filters; `offsets` are added to each transformed tap and pixel. Other matrices than those of `tile` are a
  /// bound's.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  init(
    _ geometry: ConvolutionGeometry, _ tile: WinogradTile, _ matrices: WinogradMatrices,
    filter: UnsafePointer<Scalar>, isAdjoint: Bool, offsets: (filter: Scalar, data: Scalar), isBound: Bool
  ) {
    let kernel = isBound || !ChannelTable.supports(Scalar.self) ? nil : WinogradTable()
    self.kernel = kernel
    let sizes = WinogradSizes(geometry, tile, isAdjoint: isAdjoint)
    self.sizes = sizes
    batch = geometry.channels.batch
    groups = geometry.channels.groups
    dataMatrix = matrices.data.scalars(of: Scalar.self)
    outputMatrix = matrices.output.scalars(of: Scalar.self)
    dataOffset = offsets.data
    let matrix = matrices.filter.scalars(of: Scalar.self)
    let (taps, pixels) = (tile.taps, tile.pixels)
    let (given, made) = (sizes.given, sizes.made)
    let planes = groups * made * given
    let half = AlignedBuffer<Scalar>(repeating: .zero, count: pixels * taps)
    filters = AlignedBuffer(count: tile.products * planes) { room in
      let target = room.baseAddress.unsafelyUnwrapped
      for g in 0..<geometry.channels.groups {
        for o in 0..<made {
          for i in 0..<given {
            // The filter's own order: the outputs of the geometry, then the image's channels in their group.
            let (k, c) = isAdjoint ? (g &* given &+ i, o) : (g &* made &+ o, i)
            let plane = filter + (k &* (isAdjoint ? made : given) &+ c) &* taps &* taps
            var (place, step) = ((g &* made &+ o) &* given &+ i, planes)
            if let kernel {
              step = made &* given
              let block = kernel.block(of: o, sizes, Scalar.self)
              place =
                g &* tile.products &* step &+ block.first &* given &+ i &* block.width &+ (o &- block.first)
            }
            Self.transform(
              plane, isRotated: isAdjoint, by: matrix.base, taps: taps, pixels: pixels,
              offset: offsets.filter, half: half.base, into: target + place, step: step)
          }
        }
      }
    }
  }

  /// Writes `offset + G g Gᵀ`, its entries `step` apart.
  @inline(__always)
  private static func transform(
    _ plane: UnsafePointer<Scalar>, isRotated: Bool, by matrix: UnsafePointer<Scalar>, taps: Int, pixels: Int,
    offset: Scalar, half: UnsafeMutablePointer<Scalar>, into target: UnsafeMutablePointer<Scalar>, step: Int
  ) {
    let last = taps &* taps &- 1
    for i in 0..<pixels {
      for v in 0..<taps {
        var sum = Scalar.zero
        for u in 0..<taps where matrix[i &* taps &+ u] != .zero {
          let place = u &* taps &+ v
          sum = sum + matrix[i &* taps &+ u] * plane[isRotated ? last &- place : place]
        }
        half[i &* taps &+ v] = sum
      }
      for j in 0..<pixels {
        var sum = offset
        for v in 0..<taps where matrix[j &* taps &+ v] != .zero {
          sum = sum + matrix[j &* taps &+ v] * half[i &* taps &+ v]
        }
        target[(i &* pixels &+ j) &* step] = sum
      }
    }
  }

  /// Writes the correlation plus `bias`, one number for each channel made, over every element of `output`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let (given, made) = (sizes.given, sizes.made)
    let givenPlane = sizes.rows.given &* sizes.columns.given
    let madePlane = sizes.rows.made &* sizes.columns.made
    let tiles = sizes.rows.tiles(sizes.tile) &* sizes.columns.tiles(sizes.tile)
    if let kernel {
      let work = saturatingProduct(batch &* groups, given, made, tiles &* sizes.tile.products)
      // In whole vectors of tiles; weights are read once for each part.
      Parallel.forEachPiece(of: batch &* groups &* tiles, least: 16, multiplyAdds: work) { piece in
        let scratch = AlignedBuffer<Scalar>(capacity: sizes.scratch)
        for number in piece.lowerBound / tiles...(piece.upperBound &- 1) / tiles {
          let group = number % groups
          let first = max(piece.lowerBound &- number &* tiles, 0)
          kernel.apply(
            sizes, to: image + number &* given &* givenPlane,
            filters: UnsafePointer(filters.base) + group &* sizes.tile.products &* made &* given,
            bias: bias + group &* made, into: output + number &* made &* madePlane, scratch: scratch.base,
            tiles: first..<min(piece.upperBound &- number &* tiles, tiles))
        }
      }
      return
    }
    let scratch = AlignedBuffer<Scalar>(repeating: .zero, count: sizes.scratch)
    let data = scratch.base
    let sums = data + sizes.tile.products &* given &* sizes.block
    let rest = sums + sizes.tile.products &* made &* sizes.block
    for n in 0..<batch {
      for g in 0..<groups {
        let images = image + (n &* groups &+ g) &* given &* givenPlane
        let outputs = output + (n &* groups &+ g) &* made &* madePlane
        var first = 0
        while first < tiles {
          let block = first..<min(first &+ sizes.block, tiles)
          for c in 0..<given {
            transformData(images + c &* givenPlane, block, scratch: rest, into: data + c &* sizes.block)
          }
          multiply(data, group: g, count: block.count, into: sums)
          for k in 0..<made {
            transformBack(
              sums + k &* sizes.block, block, bias: bias[g &* made &+ k], scratch: rest,
              into: outputs + k &* madePlane)
          }
          first = block.upperBound
        }
      }
    }
  }

  /// Calls `body` for each run of a block's tiles that stand in one row: the row and column of the first of
  /// them, how many they are, and their place in the block.
  @inline(__always)
  private func forEachRun(
    _ block: Range<Int>, _ body: (_ row: Int, _ column: Int, _ count: Int, _ at: Int) -> Void
  ) {
    let width = sizes.columns.tiles(sizes.tile)
    var next = block.lowerBound
    while next < block.upperBound {
      let (row, column) = next.quotientAndRemainder(dividingBy: width)
      let count = min(width &- column, block.upperBound &- next)
      body(row, column, count, next &- block.lowerBound)
      next &+= count
    }
  }

  /// Writes `Bᵀ d B` of one channel's tiles, each entry `given · block` behind the one before.
  @inline(__always)
  private func transformData(
    _ plane: UnsafePointer<Scalar>, _ block: Range<Int>, scratch: UnsafeMutablePointer<Scalar>,
    into target: UnsafeMutablePointer<Scalar>
  ) {
    let (tile, rows, columns) = (sizes.tile, sizes.rows, sizes.columns)
    let pixels = tile.pixels
    let step = sizes.given &* sizes.block
    let combined = scratch
    // The pixels of a combined row that stand at the same place of their tiles, side by side.
    let places = combined + pixels &* sizes.strip
    forEachRun(block) { tileRow, tileColumn, count, at in
      let length = count &* tile.outputs &+ tile.taps &- 1
      let start = tileColumn &* tile.outputs &- columns.before
      // What lies outside of the plane is zero and stays so.
      let lower = max(0, -start)
      let upper = min(length, columns.given &- start)
      for i in 0..<pixels {
        let row = combined + i &* sizes.strip
        clear(row, count: length)
        if lower >= upper { continue }
        for s in 0..<pixels {
          let weight = dataMatrix.base[i &* pixels &+ s]
          let source: Int = tileRow &* tile.outputs &+ s &- rows.before
          if weight == .zero || source < 0 || source >= rows.given { continue }
          accumulate(
            into: row + lower, count: upper &- lower, stride: 1, weight,
            plane + (source &* columns.given &+ (start &+ lower)))
        }
      }
      for i in 0..<pixels {
        let row = combined + i &* sizes.strip
        for s in 0..<pixels {
          let place = places + s &* sizes.block
          for t in 0..<count { place[t] = row[t &* tile.outputs &+ s] }
        }
        for j in 0..<pixels {
          let entry = target + ((i &* pixels &+ j) &* step &+ at)
          fill(entry, count: count, with: dataOffset)
          for s in 0..<pixels where dataMatrix.base[j &* pixels &+ s] != .zero {
            accumulate(
              into: entry, count: count, stride: 1, dataMatrix.base[j &* pixels &+ s],
              places + s &* sizes.block)
          }
        }
      }
    }
  }

  /// Writes `Σ_c U_c ⊙ V_c` for each output channel of the group.
  @inline(__always)
  private func multiply(
    _ data: UnsafePointer<Scalar>, group: Int, count: Int, into sums: UnsafeMutablePointer<Scalar>
  ) {
    let (given, made, block) = (sizes.given, sizes.made, sizes.block)
    for place in 0..<sizes.tile.products {
      for k in 0..<made {
        let sum = sums + (place &* made &+ k) &* block
        clear(sum, count: count)
        accumulateProducts(
          into: sum, count: count, stride: 1,
          weights: filters.base + ((place &* groups &+ group) &* made &+ k) &* given,
          sources: data + place &* given &* block, sourceStep: block, terms: given)
      }
    }
  }

  /// Writes `Aᵀ M A + bias` of one channel's tiles, cropped to the plane.
  @inline(__always)
  private func transformBack(
    _ sums: UnsafePointer<Scalar>, _ block: Range<Int>, bias: Scalar, scratch: UnsafeMutablePointer<Scalar>,
    into plane: UnsafeMutablePointer<Scalar>
  ) {
    let (tile, rows, columns) = (sizes.tile, sizes.rows, sizes.columns)
    let pixels = tile.pixels
    let step = sizes.made &* sizes.block
    let half = scratch
    let outputs = half + tile.outputs &* pixels &* sizes.block
    for i in 0..<tile.outputs {
      for j in 0..<pixels {
        let entry = half + (i &* pixels &+ j) &* sizes.block
        clear(entry, count: block.count)
        for s in 0..<pixels where outputMatrix.base[i &* pixels &+ s] != .zero {
          accumulate(
            into: entry, count: block.count, stride: 1, outputMatrix.base[i &* pixels &+ s],
            sums + (s &* pixels &+ j) &* step)
        }
      }
      for j in 0..<tile.outputs {
        clear(outputs, count: block.count)
        for s in 0..<pixels where outputMatrix.base[j &* pixels &+ s] != .zero {
          accumulate(
            into: outputs, count: block.count, stride: 1, outputMatrix.base[j &* pixels &+ s],
            half + (i &* pixels &+ s) &* sizes.block)
        }
        forEachRun(block) { tileRow, tileColumn, count, at in
          let row = tileRow &* tile.outputs &+ i
          if row >= rows.made { return }
          let first = tileColumn &* tile.outputs &+ j
          let reached = min(count, (columns.made &- first &+ tile.outputs &- 1) / tile.outputs)
          let target = plane + (row &* columns.made &+ first)
          for t in 0..<max(0, reached) { target[t &* tile.outputs] = outputs[at &+ t] + bias }
        }
      }
    }
  }
}
