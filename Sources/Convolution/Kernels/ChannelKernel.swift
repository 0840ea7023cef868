import Buffers

/// One direction of a convolution with many channels on the kernels of `CKChannels`: the convolution, or its adjoint.
///
/// The adjoint of a convolution is a correlation itself, of the outputs with the turned filters and exchanged channels, for each of
/// the phases that the stride leaves of the pixels: each phase is met by some of the taps, and by the others never.
final class ChannelKernel<Scalar: Ring>: Sendable {
  private let geometry: ConvolutionGeometry
  private let isAdjoint: Bool
  private let phases: [Phase]
  private let table: ChannelTable
  private let scratch: Int

  /// The most taps, and phases, that are worth the tables of them.
  private static var tapLimit: Int { 4096 }
  private static var phaseLimit: Int { 64 }

  /// What makes the pixels of one phase.
  private enum Phase {
    case alongResults(ChannelCorrelation<Scalar>)
    case alongChannels(LaneCorrelation<Scalar>)

    var heldBytes: Int {
      switch self {
      case .alongResults(let correlation): correlation.heldBytes
      case .alongChannels(let correlation): correlation.heldBytes
      }
    }
  }

  /// How a phase is cut into blocks.
  private enum Plan {
    case alongResults(ChannelPlan)
    case alongChannels(LanePlan)

    /// Whether zeros stand for what the taps meet on the padding.
    var multipliesPadding: Bool {
      switch self {
      case .alongResults(let plan): !plan.rows.isInside || !plan.columns.isInside
      case .alongChannels: false
      }
    }

    func scratch(isPrepared: Bool, scalarByteCount: Int) -> Int {
      switch self {
      case .alongResults(let plan): plan.scratch(scalarByteCount: scalarByteCount)
      case .alongChannels(let plan): plan.scratch(isPrepared: isPrepared, scalarByteCount: scalarByteCount)
      }
    }

    func heldBytes(_ geometry: ConvolutionGeometry, isPrepared: Bool, scalarByteCount: Int) -> Int {
      let groups = geometry.channels.groups
      switch self {
      case .alongResults(let plan):
        return ChannelCorrelation<Scalar>.heldBytes(plan, groups: groups, scalarByteCount: scalarByteCount)
      case .alongChannels(let plan):
        return LaneCorrelation<Scalar>.heldBytes(
          plan, taps: geometry.taps, groups: groups, isPrepared: isPrepared, scalarByteCount: scalarByteCount)
      }
    }
  }

  /// Packs the filter; nil where the problem has one plane in a group on both sides, or sizes that the kernels don't take, or where
  /// zeros would stand on the padding for a tap that is not finite.
  ///
  /// For a single use it need not be prepared: then what can be is packed as it is needed, and the filter must stay where it is.
  /// With `isPatches` it is the product of the filters with the matrix of patches, of which some columns are formed at a time.
  @inline(__always)
  init?(
    _ geometry: ConvolutionGeometry, filter: UnsafePointer<Scalar>, isAdjoint: Bool, isPatches: Bool = false,
    isPrepared: Bool = true
  ) {
    guard ChannelTable.supports(Scalar.self),
      let plans = Self.plans(
        geometry, isAdjoint: isAdjoint, isPatches: isPatches, scalarByteCount: MemoryLayout<Scalar>.stride)
    else { return nil }
    if !isPatches, plans.contains(where: \.multipliesPadding), !areFinite(filter, count: geometry.weights) {
      return nil
    }
    self.geometry = geometry
    self.isAdjoint = isAdjoint
    let table = ChannelTable()
    self.table = table
    let places = ChannelWeights(geometry, isAdjoint: isAdjoint)
    let groups = geometry.channels.groups
    phases = plans.map {
      switch $0 {
      case .alongResults(let plan):
        .alongResults(
          ChannelCorrelation(plan, groups: groups, places, filter, table: table, isPatches: isPatches))
      case .alongChannels(let plan):
        .alongChannels(LaneCorrelation(plan, groups: groups, places, filter, isPrepared: isPrepared))
      }
    }
    scratch = plans.reduce(0) {
      max($0, $1.scratch(isPrepared: isPrepared, scalarByteCount: MemoryLayout<Scalar>.stride))
    }
  }

  /// A plan for each phase of the pixels that are made.
  private static func plans(
    _ geometry: ConvolutionGeometry, isAdjoint: Bool, isPatches: Bool, scalarByteCount: Int
  ) -> [Plan]? {
    let channels = geometry.channels
    let (given, made) =
      isAdjoint
      ? (channels.outputPerGroup, channels.imagePerGroup) : (channels.imagePerGroup, channels.outputPerGroup)
    if !isPatches && given == 1 && made == 1 { return nil }
    if geometry.taps > tapLimit { return nil }
    if isAdjoint, saturatingProduct(geometry.stride.height, geometry.stride.width) > phaseLimit { return nil }
    var plans: [Plan] = []
    for rows in ChannelAxis.all(geometry.rows, isAdjoint: isAdjoint, isAscending: true) {
      for columns in ChannelAxis.all(geometry.columns, isAdjoint: isAdjoint, isAscending: false) {
        let plan = ChannelPlan(
          rows: rows, columns: columns, given: given, made: made, isPatches: isPatches,
          scalarByteCount: scalarByteCount)
        if !isPatches,
          let plan = LanePlan(
            rows: rows, columns: columns, given: given, made: made, readsPlanes: plan?.readsPlanes ?? false,
            scalarByteCount: scalarByteCount)
        {
          plans.append(.alongChannels(plan))
        } else if let plan {
          plans.append(.alongResults(plan))
        } else {
          return nil
        }
      }
    }
    return plans
  }

  /// Bytes that the kernel of a geometry holds and takes as scratch; 0 where there is none.
  static func heldBytes(
    _ geometry: ConvolutionGeometry, isAdjoint: Bool, isPatches: Bool = false, isPrepared: Bool = true,
    scalarByteCount: Int
  ) -> Int {
    guard
      let plans = plans(
        geometry, isAdjoint: isAdjoint, isPatches: isPatches, scalarByteCount: scalarByteCount)
    else { return 0 }
    // One phase after the other takes its scratch.
    return plans.reduce(0) {
      saturatingSum(
        $0,
        $1.heldBytes(geometry, isPrepared: isPrepared, scalarByteCount: scalarByteCount))
    }
  }

  /// Bytes that it holds and takes as scratch.
  var heldBytes: Int { phases.reduce(0) { saturatingSum($0, $1.heldBytes) } }

  /// Writes the correlation plus `bias`, one number for each channel made, over every element of `output`.
  @inline(__always)
  func apply(
    to image: UnsafePointer<Scalar>, bias: UnsafePointer<Scalar>, into output: UnsafeMutablePointer<Scalar>
  ) {
    let channels = geometry.channels
    let (imagePlane, outputPlane) = (geometry.image.elementCount, geometry.output.elementCount)
    let (given, made) =
      isAdjoint
      ? (channels.outputPerGroup, channels.imagePerGroup) : (channels.imagePerGroup, channels.outputPerGroup)
    let (givenPlane, madePlane) = isAdjoint ? (outputPlane, imagePlane) : (imagePlane, outputPlane)
    let count = channels.batch &* channels.groups
    let compute = { (number: Int, part: Int, parts: Int, room: UnsafeMutablePointer<Scalar>) in
      let group = number % channels.groups
      let plane = self.isAdjoint ? self.geometry.image : self.geometry.output
      let (source, target) = (image + number &* given &* givenPlane, output + number &* made &* madePlane)
      for phase in self.phases {
        switch phase {
        case .alongResults(let correlation):
          correlation.apply(
            group: group, part: part, of: parts, to: source, bias: bias + group &* made, into: target,
            plane: plane, scratch: room, table: self.table)
        case .alongChannels(let correlation):
          correlation.apply(
            group: group, part: part, of: parts, to: source, bias: bias + group &* made, into: target,
            plane: plane, scratch: room)
        }
      }
    }
    let work = geometry.multiplyAdds
    if Parallel.shares(multiplyAdds: work) {
      // Of each image and group a few parts; each thread has scratch of its own.
      let parts = count >= 16 ? 1 : 8
      Parallel.forEach(parts: count &* parts, multiplyAdds: work) { part in
        let room = AlignedBuffer<Scalar>(capacity: scratch)
        compute(part / parts, part % parts, parts, room.base)
      }
    } else {
      let room = AlignedBuffer<Scalar>(capacity: scratch)
      for number in 0..<count { compute(number, 0, 1, room.base) }
    }
  }
}

/// Whether no number is infinite or NaN; numbers of other types than the floating-point ones are finite.
@inline(__always)
func areFinite<Scalar: Ring>(_ numbers: UnsafePointer<Scalar>, count: Int) -> Bool {
  // A number less itself is zero, or NaN where it is not finite.
  var isFinite = true
  for index in 0..<count where numbers[index] - numbers[index] != .zero { isFinite = false }
  return isFinite
}
