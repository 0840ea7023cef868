/// Colours for the elements along one axis such that no result is made of two elements of one colour: images that hold
/// one colour alone show every entry of the map by itself.
///
/// Each element takes the first colour that no earlier one has with which it meets in a result. Along an axis of k taps
/// with zeros around it that gives k colours, for dilations too (`⌊(pixel + padding) / dilation⌋ mod k` would be such
/// colours), and fewer where the stride leaves taps apart; where padding repeats pixels, some more.
struct CombColours: Sendable {
  /// The colour of each element.
  let colours: [Int]
  /// How many there are.
  let count: Int

  /// Colours `size` elements that meet as `meetings` say.
  init(_ meetings: [Definition.Meeting], size: Int) {
    var makes = [[Int]](repeating: [], count: size)
    for meeting in meetings { makes[meeting.given].append(meeting.made) }
    // The colours that each result has met already, as bits.
    var met = [[UInt64]](repeating: [], count: (meetings.map(\.made).max() ?? 0) + 1)
    var colours = [Int](repeating: 0, count: size)
    var count = 1
    for element in 0..<size {
      var taken: [UInt64] = []
      for made in makes[element] {
        for (word, bits) in met[made].enumerated() {
          if word == taken.count { taken.append(0) }
          taken[word] |= bits
        }
      }
      let word = taken.firstIndex { $0 != .max } ?? taken.count
      let bit = word < taken.count ? (~taken[word]).trailingZeroBitCount : 0
      for made in makes[element] {
        while met[made].count <= word { met[made].append(0) }
        met[made][word] |= 1 << UInt64(bit)
      }
      colours[element] = word * 64 + bit
      count = max(count, word * 64 + bit + 1)
    }
    self.colours = colours
    self.count = count
  }
}
