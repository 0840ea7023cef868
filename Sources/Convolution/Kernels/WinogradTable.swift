import CKernels

/// The kernels for Winograd's tiles, of the variant that was in use when it was made.
struct WinogradTable: @unchecked Sendable {
  private let float = ck_winograd_f32(ck_selected()).unsafelyUnwrapped
  private let double = ck_winograd_f64(ck_selected()).unsafelyUnwrapped
  private let channels = ChannelTable()
  private let lanes = LaneTable()

  /// The block of made channels whose weights stand together with those of channel `number`.
  @inline(__always)
  func block<Scalar: Ring>(
    of number: Int, _ sizes: WinogradSizes, _ type: Scalar.Type
  ) -> (
    first: Int, width: Int
  ) {
    let made = sizes.made
    if sizes.isAlongChannels {
      let width = lanes.blockChannels(type)
      return (number / width &* width, width)
    }
    let most = channels.blockChannels(type)
    let blocks = (made + most - 1) / most
    var (first, block) = (0, 0)
    while true {
      let width = (made + block) / blocks
      if number < first + width { return (first, width) }
      first += width
      block += 1
    }
  }

  /// Writes the results of some tiles of one group of one image; the filters stand as `CKWinograd.h` says.
  @inline(__always)
  func apply<Scalar: Ring>(
    _ sizes: WinogradSizes, to image: UnsafePointer<Scalar>, filters: UnsafePointer<Scalar>,
    bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>, tiles: Range<Int>
  ) {
    var shape = CKWinogradShape(
      outputs: sizes.tile.outputs, taps: sizes.tile.taps, given: sizes.given, rows: sizes.rows.given,
      columns: sizes.columns.given, made: sizes.made, madeRows: sizes.rows.made,
      madeColumns: sizes.columns.made, above: sizes.rows.before, before: sizes.columns.before,
      block: sizes.block, isAlongChannels: sizes.isAlongChannels ? 1 : 0)
    if Scalar.self == Float.self {
      float.pointee.apply(
        &shape, reinterpreted(image), reinterpreted(filters), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch), tiles.lowerBound, tiles.upperBound)
    } else {
      double.pointee.apply(
        &shape, reinterpreted(image), reinterpreted(filters), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch), tiles.lowerBound, tiles.upperBound)
    }
  }
}
