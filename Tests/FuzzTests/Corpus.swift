import FuzzTargets
import Glibc
import TestSupport

/// The committed inputs of one fuzz target.
struct Corpus {
  let inputs: [(name: String, bytes: [UInt8])]

  /// Reads the files of `target`'s folder, in the order of their names.
  init(of target: FuzzTarget) {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    let folder = tests.joined(separator: "/") + "/Fuzzing/Corpora/" + target.rawValue
    guard let directory = opendir(folder) else {
      inputs = []
      return
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    inputs = names.sorted().map { ($0, Corpus.bytes(of: folder + "/" + $0)) }
  }

  private static func bytes(of path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    return [UInt8](unsafeUninitializedCapacity: 1 << 16) { room, count in
      count = fread(room.baseAddress, 1, room.count, file)
    }
  }
}

/// Small changes of the inputs of a corpus, the same in every run: a fuzzer's, without its sense of what is new.
struct Mutations {
  private let corpus: [[UInt8]]
  private let longest: Int
  private var numbers: SeededNumbers

  init(of corpus: [[UInt8]], longest: Int, seed: UInt64) {
    self.corpus = corpus
    self.longest = longest
    numbers = SeededNumbers(seed: seed)
  }

  mutating func next() -> [UInt8] {
    var input = corpus[numbers.integer(0...corpus.count - 1)]
    for _ in 0..<numbers.integer(1...4) { change(&input) }
    return Array(input.prefix(longest))
  }

  private mutating func change(_ input: inout [UInt8]) {
    let place = numbers.integer(0...input.count)
    let end = min(input.count, place + numbers.integer(1...16))
    switch numbers.integer(0...6) {
    case 0 where place < input.count: input[place] ^= 1 << UInt8(numbers.integer(0...7))
    case 1 where place < input.count: input[place] = UInt8(numbers.integer(0...255))
    case 2: input.removeSubrange(place..<end)
    case 3: input.insert(contentsOf: input[place..<end], at: numbers.integer(0...input.count))
    case 4: input.insert(UInt8(numbers.integer(0...255)), at: place)
    case 5:
      // A digit or a mark for another of the same input keeps most of a document's grammar.
      if place < input.count { input[place] = input[numbers.integer(0...input.count - 1)] }
    default:
      let other = corpus[numbers.integer(0...corpus.count - 1)]
      let start = numbers.integer(0...other.count)
      input.replaceSubrange(place..<end, with: other[start..<min(other.count, start + 24)])
    }
  }
}
