import Buffers
import Convolution

/// Which output and which pixel the rows and columns of a matrix stand for.
struct MatrixLayout {
  /// Channels of the image, C.
  let imageChannels: Int
  /// Channels of the output, K.
  let outputChannels: Int
  let vertical: MatrixAxis
  let horizontal: MatrixAxis

  /// C×H×W pixels and K×out_h×out_w outputs.
  init(image: (channels: Int, plane: Extent), output: (channels: Int, plane: Extent)) {
    imageChannels = image.channels
    outputChannels = output.channels
    vertical = MatrixAxis(
      extent: image.plane.height, outputs: output.plane.height, columnUnit: image.plane.width,
      rowUnit: output.plane.width)
    horizontal = MatrixAxis(
      extent: image.plane.width, outputs: output.plane.width, columnUnit: 1, rowUnit: 1)
  }

  var imagePlane: Int { vertical.extent * horizontal.extent }
  var outputPlane: Int { vertical.outputs * horizontal.outputs }

  /// How far the output's proportions are from the image's.
  var distortion: Double {
    let image = Double(vertical.extent) / Double(horizontal.extent)
    let ratio = Double(vertical.outputs) / Double(horizontal.outputs) / image
    return max(ratio, 1 / ratio)
  }

  /// The matrix row of an output.
  func row(_ k: Int, _ a: Int, _ b: Int) -> Int { (k * vertical.outputs + a) * horizontal.outputs + b }
  /// The matrix column of a pixel.
  func column(_ c: Int, _ i: Int, _ j: Int) -> Int { (c * vertical.extent + i) * horizontal.extent + j }

  /// The most groups whose blocks hold all entries of `matrix`.
  func groups(
    of matrix: borrowing SparseMatrix<Double>, _ budget: inout Budget
  ) throws(RecognitionError) -> Int {
    let most = greatestCommonDivisor(imageChannels, outputChannels)
    if matrix.count == 0 { return 1 }
    var groups = most
    while groups > 1 {
      if most % groups == 0 {
        let (outputs, images) = (
          outputPlane * (outputChannels / groups), imagePlane * (imageChannels / groups)
        )
        var row = 0
        var isApart = true
        while isApart, row < matrix.rows {
          let group = row / outputs
          let (start, end) = (matrix.rowPointers.base[row], matrix.rowPointers.base[row + 1])
          try budget.spend(1)
          // Columns ascend: the first and the last one say it for all between them.
          if start < end {
            isApart =
              Int(matrix.columnIndices.base[start]) / images == group
              && Int(matrix.columnIndices.base[end - 1]) / images == group
          }
          row += 1
        }
        if isApart { return groups }
      }
      groups -= 1
    }
    return 1
  }
}
