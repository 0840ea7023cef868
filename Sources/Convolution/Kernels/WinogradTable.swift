import CKernels

/// The kernels for Winograd's tiles, of the variant that was in use when it was made.
struct WinogradTable: @unchecked Sendable {
  private let float = ck_winograd_f32(ck_selected()).unsafelyUnwrapped
  private let double = ck_winograd_f64(ck_selected()).unsafelyUnwrapped
  private let channels = ChannelTable()

  /// The block of made channels whose weights stand together with those of channel `number`.
  @inline(__always)
  func block<Scalar: Ring>(of number: Int, made: Int, _ type: Scalar.Type) -> (first: Int, width: Int) {
    let most = channels.blockChannels(type, isWide: false)
    let blocks = (made + most - 1) / most
    var (first, block) = (0, 0)
    while true {
      let width = (made + block) / blocks
      if number < first + width { return (first, width) }
      first += width
      block += 1
    }
  }

  /// Writes the results of one group of one image; the filters stand as `CKWinograd.h` says.
  @inline(__always)
  func apply<Scalar: Ring>(
    _ sizes: WinogradSizes, to image: UnsafePointer<Scalar>, filters: UnsafePointer<Scalar>,
    bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>
  ) {
    var shape = CKWinogradShape(
      outputs: sizes.tile.outputs, taps: sizes.tile.taps, given: sizes.given, rows: sizes.rows.given,
      columns: sizes.columns.given, made: sizes.made, madeRows: sizes.rows.made,
      madeColumns: sizes.columns.made, above: sizes.rows.before, before: sizes.columns.before,
      block: sizes.block)
    if Scalar.self == Float.self {
      float.pointee.apply(
        &shape, reinterpreted(image), reinterpreted(filters), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch))
    } else {
      double.pointee.apply(
        &shape, reinterpreted(image), reinterpreted(filters), reinterpreted(bias), reinterpreted(output),
        reinterpreted(scratch))
    }
  }
}
