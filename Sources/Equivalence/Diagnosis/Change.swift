import Convolution

/// One mistake without unknown numbers: what it does to a problem.
struct Change {
  let mistake: Mistake
  let says: String
  /// Whether it costs a copy of the image.
  var copiesImage = false
  /// Whether it is not looked for together with another.
  var isRare = false
  let apply: (inout Variant) -> Void
}

extension Change {
  /// Every change that can show in results of `variant`, in the order of `Mistake`; but windows that begin late come before
  /// the padding of one axis alone.
  static func all(of variant: Variant, hasBias: Bool, isFlipped: Bool, isDouble: Bool) -> [Change] {
    (hasBias ? [missingBias] : []) + filters(variant, isFlipped: isFlipped) + transposed(variant)
      + strides(variant)
      + padding(variant, [(1, 1), (-1, -1)]) + modes(variant) + phases(variant)
      + padding(variant, [(1, 0), (0, 1), (-1, 0), (0, -1), (1, -1), (-1, 1)]) + dilations(variant)
      + groups(variant)
      + layouts(variant, isFlipped: isFlipped) + channelOrders(variant)
      + rare(variant)
      + shortInputs(isDouble: isDouble)
  }

  private static var missingBias: Change {
    Change(mistake: .missingBias, says: "the bias was not added") { variant in
      for k in variant.bias.indices { variant.bias[k] = 0 }
    }
  }

  /// Writes each plane's taps as `source` says.
  static func rearrange(_ variant: inout Variant, _ source: (Int, Int) -> Int) {
    let (kh, kw, old) = (variant.rows.taps, variant.columns.taps, variant.filter)
    for start in stride(from: 0, to: old.count, by: kh * kw) {
      for u in 0..<kh {
        for v in 0..<kw { variant.filter[start + u * kw + v] = old[start + source(u, v)] }
      }
    }
  }

  private static func filters(_ variant: Variant, isFlipped: Bool) -> [Change] {
    let (kh, kw) = (variant.rows.taps, variant.columns.taps)
    var changes = [
      Change(
        mistake: .flippedFilter,
        says: isFlipped
          ? "the filter was not rotated though a flip was asked for" : "the filter was rotated by 180°"
      ) { rearrange(&$0) { (kh - 1 - $0) * kw + kw - 1 - $1 } }
    ]
    if kh > 1 && kw > 1 {
      changes += [
        Change(mistake: .flippedFilter, says: "the filter's rows were reversed, its columns not") {
          rearrange(&$0) { (kh - 1 - $0) * kw + $1 }
        },
        Change(mistake: .flippedFilter, says: "the filter's columns were reversed, its rows not") {
          rearrange(&$0) { $0 * kw + kw - 1 - $1 }
        },
        Change(
          mistake: .transposedFilter,
          says: kh == kw
            ? "each filter plane was transposed" : "each filter plane was read column by column"
        ) { rearrange(&$0) { $1 * kh + $0 } },
      ]
      if kh != kw {
        changes.append(
          Change(mistake: .transposedFilter, says: "each filter plane was written column by column") {
            rearrange(&$0) { place($0 * kw + $1, kh, kw) }
          })
      } else {
        changes.append(
          Change(mistake: .transposedFilter, says: "each filter plane was rotated by 90°") {
            rearrange(&$0) { (kh - 1 - $1) * kw + $0 }
          })
        changes.append(
          Change(mistake: .transposedFilter, says: "each filter plane was rotated by 270°") {
            rearrange(&$0) { $1 * kw + kw - 1 - $0 }
          })
      }
    }
    return changes
  }

  /// Where the element at `place` of a first×second array stands in the second×first one.
  private static func place(_ place: Int, _ first: Int, _ second: Int) -> Int {
    place % first * second + place / first
  }

  private static func transposed(_ variant: Variant) -> [Change] {
    let (height, width) = (variant.rows.given, variant.columns.given)
    var changes: [Change] = []
    if height > 1 && width > 1 {
      changes.append(
        Change(
          mistake: .transposedImage,
          says: height == width
            ? "each image plane was transposed" : "each image plane was read column by column",
          copiesImage: true
        ) { variant in
          let old = variant.image
          var target = 0
          for start in stride(from: 0, to: old.count, by: height * width) {
            for i in 0..<height {
              for j in 0..<width {
                variant.image[target] = old[start + j * height + i]
                target += 1
              }
            }
          }
        })
    }
    if variant.rows.made > 1 && variant.columns.made > 1 {
      changes.append(
        Change(mistake: .transposedOutput, says: "each output plane was written column by column") {
          $0.order = .transposed
        })
    }
    return changes
  }

  private static func strides(_ variant: Variant) -> [Change] {
    let (rows, columns) = (variant.rows.stride, variant.columns.stride)
    if rows == columns { return [] }
    return [
      Change(
        mistake: .swappedStrides,
        says: "the stride was \(columns)×\(rows) and not \(rows)×\(columns), what lies outside being zero"
      ) {
        $0.rows.stride = columns
        $0.columns.stride = rows
      }
    ]
  }

  private static func padding(_ variant: Variant, _ steps: [(Int, Int)]) -> [Change] {
    var changes: [Change] = []
    for (down, right) in steps {
      let (top, left) = (variant.rows.before + down, variant.columns.before + right)
      if top < 0 || left < 0 { continue }
      changes.append(
        Change(
          mistake: .paddingOffByOne,
          says:
            "the padding before the first row was \(top) and not \(variant.rows.before), before the first "
            + "column \(left) and not \(variant.columns.before)"
        ) {
          $0.rows.before = top
          $0.columns.before = left
        })
    }
    return changes
  }

  private static func modes(_ variant: Variant) -> [Change] {
    if variant.isTransposed { return [] }
    var changes: [Change] = []
    for mode in PaddingMode.allCases where mode != variant.rows.mode {
      changes.append(
        Change(
          mistake: .wrongPaddingMode,
          says: "the padding mode was \(mode.rawValue) and not \(variant.rows.mode.rawValue)"
        ) {
          $0.rows.mode = mode
          $0.columns.mode = mode
        })
    }
    for mode in PaddingMode.allCases where mode != variant.rows.mode {
      changes += [
        Change(mistake: .wrongPaddingMode, says: "the padding mode of the rows was \(mode.rawValue)") {
          $0.rows.mode = mode
        },
        Change(mistake: .wrongPaddingMode, says: "the padding mode of the columns was \(mode.rawValue)") {
          $0.columns.mode = mode
        },
      ]
    }
    changes.append(
      Change(
        mistake: .wrongPaddingMode, says: "the image was mirrored with its edge repeated (symmetric padding)",
        copiesImage: true
      ) {
        if let padded = $0.padded(mirrored: true) { $0 = padded }
      })
    return changes
  }

  private static func phases(_ variant: Variant) -> [Change] {
    var changes: [Change] = []
    for down in 0..<min(variant.rows.stride, 4) {
      for right in 0..<min(variant.columns.stride, 4) where down + right > 0 {
        changes.append(
          Change(
            mistake: .wrongStridePhase,
            says: "the windows begin \(down) rows and \(right) columns late, the stride being "
              + "\(variant.rows.stride)×\(variant.columns.stride)"
          ) {
            $0.rows.phase = down
            $0.columns.phase = right
          })
      }
    }
    return changes
  }

  private static func dilations(_ variant: Variant) -> [Change] {
    let (rows, columns) = (variant.rows, variant.columns)
    func candidates(_ axis: AxisVariant, _ other: AxisVariant) -> [Int] {
      if axis.taps == 1 { return [axis.dilation] }
      var all: [Int] = []
      for value in [axis.dilation, 1, other.dilation, axis.dilation - 1, axis.dilation + 1, axis.stride]
      where value > 0 && !all.contains(value) { all.append(value) }
      return all
    }
    /// Padding that keeps a centred filter centred.
    func centred(_ axis: AxisVariant, _ dilation: Int) -> Int {
      max(0, axis.before + (dilation - axis.dilation) * (axis.taps - 1) / 2)
    }
    var changes: [Change] = []
    for down in candidates(rows, columns) {
      for right in candidates(columns, rows) where down != rows.dilation || right != columns.dilation {
        let paddings = [
          (rows.before, columns.before), (centred(rows, down), centred(columns, right)),
        ]
        for (index, (top, left)) in paddings.enumerated() {
          if index == 1 && (top, left) == paddings[0] { continue }
          changes.append(
            Change(
              mistake: .wrongDilation,
              says: "the dilation was \(down)×\(right) and not \(rows.dilation)×\(columns.dilation)"
                + (index == 1 ? ", the filter centred where it was" : "")
            ) {
              $0.rows.dilation = down
              $0.columns.dilation = right
              $0.rows.before = top
              $0.columns.before = left
            })
        }
      }
    }
    return changes
  }

  private static func groups(_ variant: Variant) -> [Change] {
    let (groups, perGroup) = (variant.channels.groups, variant.givenPerGroup)
    if groups == 1 { return [] }
    let madePerGroup = variant.madePerGroup
    func reading(_ says: String, _ channel: @escaping (_ g: Int, _ c: Int) -> Int) -> Change {
      Change(mistake: .mixedGroups, says: says) { variant in
        for g in 0..<groups {
          for c in 0..<perGroup { variant.reading[g * perGroup + c] = channel(g, c) }
        }
      }
    }
    let alike = [
      reading("all groups read the channels of the first group") { $1 },
      Change(
        mistake: .mixedGroups,
        says: "output channel k was taken for one of group k mod \(groups) and not k / \(madePerGroup)"
      ) { variant in
        for k in variant.groupOfMade.indices { variant.groupOfMade[k] = k % groups }
      },
    ]
    // Groups of one channel exchange channels; but all of them by one place is a group read wrongly.
    if perGroup == 1 && groups < 3 { return alike }
    if perGroup == 1 {
      return alike + [
        reading("each group read the channels of the next one") { ($0 + 1) % groups + $1 },
        reading("each group read the channels of the one before") { ($0 + groups - 1) % groups + $1 },
      ]
    }
    return alike + [
      reading("channel c of group g was read at c·\(groups) + g, as if the groups were interleaved") {
        $1 * groups + $0
      },
      reading("each group read the channels of the next one") { ($0 + 1) % groups * perGroup + $1 },
      reading("each group read the channels of the one before") {
        ($0 + groups - 1) % groups * perGroup + $1
      },
      reading("the groups read each other's channels in reverse") { (groups - 1 - $0) * perGroup + $1 },
    ]
  }

  private static func channelOrders(_ variant: Variant) -> [Change] {
    let given = variant.given
    if given < 2 { return [] }
    func order(_ says: String, _ channel: @escaping (Int) -> Int) -> Change {
      Change(mistake: .swappedInputChannels, says: says) { variant in
        for c in variant.reading.indices { variant.reading[c] = channel(variant.reading[c]) }
      }
    }
    var others: [Change] = []
    let (groups, perGroup) = (variant.channels.groups, variant.givenPerGroup)
    if given > 3 && given % 2 == 0 {
      others += [
        order("neighbouring channels of the image were exchanged") { $0 ^ 1 },
        order("the halves of the image's channels were exchanged") { ($0 + given / 2) % given },
      ]
    }
    if groups > 1 && perGroup > 1 {
      others.append(
        order("the image's channels were read in reverse in each group") {
          $0 / perGroup * perGroup + perGroup - 1 - $0 % perGroup
        })
    }
    if given > 4 && given <= 64 {
      for step in 2..<given - 1 where 2 * step != given {
        others.append(
          order("each channel of the image was read \(step) too late, beginning anew after the last") {
            ($0 + step) % given
          })
      }
    }
    for size in [2, 4, 8, 16, 32] where size < given && given % size == 0 && given / size > 1 {
      others += [
        order("the image's channels, \(size) side by side, were read \(given / size) apart") {
          $0 % size * (given / size) + $0 / size
        }
      ]
    }
    for index in others.indices.dropFirst(2) { others[index].isRare = true }
    return [
      order("the image's channels were read in reverse (as BGR for RGB)") { given - 1 - $0 },
      order("each channel of the image was read one too late") { ($0 + 1) % given },
      order("each channel of the image was read one too early") { ($0 + given - 1) % given },
    ] + others
  }

  private static func shortInputs(isDouble: Bool) -> [Change] {
    var formats: [(String, (Double) -> Double)] = [
      ("TF32", { ShortRounding.tf32($0) }), ("float16", { ShortRounding.float16($0) }),
      ("bfloat16", { ShortRounding.bfloat16($0) }),
      ("TF32 by truncation", { ShortRounding.truncated($0, bits: 11) }),
      ("bfloat16 by truncation", { ShortRounding.truncated($0, bits: 8) }),
    ]
    if isDouble { formats.insert(("float32", { Double(Float($0)) }), at: 0) }
    return formats.flatMap { name, round in
      [
        ("image and filter were", true, true), ("the filter was", false, true),
        ("the image was", true, false),
      ]
      .map { what, image, filter in
        Change(
          mistake: .shortInputs, says: "\(what) rounded to \(name)", copiesImage: true
        ) { variant in
          if image { for i in variant.image.indices { variant.image[i] = round(variant.image[i]) } }
          if filter { for i in variant.filter.indices { variant.filter[i] = round(variant.filter[i]) } }
        }
      }
    }
  }
}
