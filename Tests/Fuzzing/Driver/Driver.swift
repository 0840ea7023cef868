import FuzzTargets
import Glibc

// What libFuzzer calls: its `main` runs one target, named by `--target=NAME`, over as many inputs as its other arguments say.
// https://llvm.org/docs/LibFuzzer.html

/// The target, chosen before the first input.
nonisolated(unsafe) private var target = FuzzTarget.request

/// libFuzzer's arguments, which it passes by reference.
private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_cdecl("LLVMFuzzerInitialize")
func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
  let list = arguments.load(as: Arguments.self)
  let flag = "--target="
  for index in 0..<Int(count.pointee) {
    guard let argument = list[index] else { continue }
    let text = String(cString: argument)
    guard text.hasPrefix(flag) else { continue }
    if let named = FuzzTarget(rawValue: String(text.dropFirst(flag.count))) {
      target = named
      return 0
    }
  }
  print("fuzz: one of --target=", FuzzTarget.allCases.map(\.rawValue).joined(separator: "|"), separator: "")
  exit(2)
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  if let flaw = target.flaw(in: Array(UnsafeBufferPointer(start: bytes, count: count))) {
    fatalError("\(target.rawValue): \(flaw)")
  }
  return 0
}
