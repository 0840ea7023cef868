/// Calls `body` with `size − 1`, `size` and `size + 1` for each given size, without repetition and in order: the
/// sizes around a vector's or a block's width, where a loop's tail is empty, nearly full, or one long.
public func withEvery(around sizes: [Int], _ body: (Int) throws -> Void) rethrows {
  let all = Set(sizes.flatMap { [$0 - 1, $0, $0 + 1] }).filter { $0 > 0 }
  for size in all.sorted() { try body(size) }
}
