/// The known mistakes in computing a convolution, in the order in which they are preferred where several give the same
/// output.
public enum Mistake: String, CaseIterable, Sendable {
  /// Elements are NaN or infinite though their windows, weights and biases are finite.
  case nonfinite
  /// The bias was left out.
  case missingBias = "missing_bias"
  /// The filter was rotated by 180° (or mirrored along one axis), or was not where a flip was asked for.
  case flippedFilter = "flipped_filter"
  /// Rows and columns of the filter were exchanged.
  case transposedFilter = "transposed_filter"
  /// Rows and columns of the image were exchanged.
  case transposedImage = "transposed_image"
  /// Rows and columns of the output were exchanged.
  case transposedOutput = "transposed_output"
  /// The stride of the rows was used for the columns and the other way around.
  case swappedStrides = "swapped_strides"
  /// One row or column more or less of padding stands before the image.
  case paddingOffByOne = "padding_off_by_one"
  /// Something else than was asked for stands on the padding.
  case wrongPaddingMode = "wrong_padding_mode"
  /// The windows begin some pixels late, less than a stride.
  case wrongStridePhase = "wrong_stride_phase"
  /// The taps stand closer together or further apart.
  case wrongDilation = "wrong_dilation"
  /// Channels of one group were read by the filters of another.
  case mixedGroups = "mixed_groups"
  /// A tensor's dimensions were read in another order.
  case wrongLayout = "wrong_layout"
  /// Channels of the image were exchanged.
  case swappedInputChannels = "swapped_input_channels"
  /// Channels of the output were exchanged.
  case swappedOutputChannels = "swapped_output_channels"
  /// A region of the output is zero, or holds nothing but its bias.
  case zeroRegion = "zero_region"
  /// A tap, or a row or column of taps, was left out.
  case missingTap = "missing_tap"
  /// A channel of the image was left out.
  case missingChannel = "missing_channel"
  /// Another number was added to channels of the output than their bias.
  case wrongBias = "wrong_bias"
  /// The output was multiplied by a number.
  case scaledOutput = "scaled_output"
  /// The output stands some rows, columns or elements off its place.
  case shiftedOutput = "shifted_output"
  /// A region of the output repeats other outputs.
  case staleRegion = "stale_region"
  /// Image or filter were rounded to a shorter format first.
  case shortInputs = "short_inputs"
  /// The sums were formed, or stored, in a shorter format.
  case shortAccumulation = "short_accumulation"
  /// A few elements that have nothing to do with each other are wrong.
  case singleElement = "single_element"
  /// None of these reproduces the output.
  case unknown
}
