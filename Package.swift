// swift-tools-version: 6.2
import PackageDescription

/// What every target of this package is compiled with: no warning survives, every module that a file
/// uses is imported by that file, and imports stay out of a module's interface unless marked public.
let house: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// The modules in the order in which data flows; `docs/architecture.md` draws them, and
/// `Tests/EndToEndTests/test_structure.py` holds both against the imports.
let package = Package(
  name: "convcheck",
  products: [
    .executable(name: "convcheck", targets: ["convcheck"]),
    .executable(name: "echo", targets: ["echo"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
  ],
  targets: [
    .target(name: "Buffers", swiftSettings: house),
    .target(name: "CSystem", cSettings: [.treatAllWarnings(as: .error)]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Sockets", dependencies: ["CSystem"], swiftSettings: house),
    .target(name: "TLS", dependencies: ["COpenSSL", "Sockets"], swiftSettings: house),
    .target(name: "Compression", dependencies: ["Buffers", "CZlib"], swiftSettings: house),
    .target(name: "HTTP", dependencies: ["Buffers"], swiftSettings: house),
    .target(name: "Metrics", dependencies: ["Buffers"], swiftSettings: house),
    .target(
      name: "Server",
      dependencies: [
        "Buffers", "Compression", "HTTP", "Metrics", "Sockets", "TLS",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .target(name: "CKernels", cSettings: [.treatAllWarnings(as: .error)]),
    .target(name: "Convolution", dependencies: ["Buffers", "CKernels"], swiftSettings: house),
    .target(name: "Equivalence", dependencies: ["Buffers", "Convolution"], swiftSettings: house),
    .target(
      name: "Benchmarking", dependencies: ["Buffers", "CKernels", "Convolution"], swiftSettings: house),
    .target(name: "TensorCoding", dependencies: ["Buffers", "Convolution"], swiftSettings: house),
    .target(
      name: "Service",
      dependencies: [
        "Benchmarking", "Buffers", "Convolution", "Equivalence", "HTTP", "Metrics", "TensorCoding",
      ],
      resources: [.embedInCode("openapi.yaml")],
      swiftSettings: house),
    .target(
      name: "Serving",
      dependencies: [
        "Buffers", "CSystem", "HTTP", "Metrics", "Server", "Sockets", "TLS",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "convcheck",
      dependencies: [
        "Benchmarking", "Buffers", "Convolution", "Service", "Serving", "Sockets", "TLS", "TensorCoding",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "echo",
      dependencies: [
        "Buffers", "HTTP", "Serving",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),

    .target(
      name: "TestSupport", dependencies: ["Convolution"], path: "Tests/TestSupport", swiftSettings: house),
    .testTarget(name: "BuffersTests", dependencies: ["Buffers"], swiftSettings: house),
    .testTarget(
      name: "ConvolutionTests", dependencies: ["Convolution", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "EquivalenceTests", dependencies: ["Convolution", "Equivalence", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "BenchmarkingTests", dependencies: ["Benchmarking", "Convolution"], swiftSettings: house),
    .testTarget(
      name: "TensorCodingTests", dependencies: ["Buffers", "Convolution", "TensorCoding", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "CompressionTests", dependencies: ["Buffers", "Compression", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "TLSTests", dependencies: ["COpenSSL", "Sockets", "TLS", "TestSupport"], swiftSettings: house),
    .testTarget(name: "HTTPTests", dependencies: ["Buffers", "HTTP", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "Buffers", "HTTP", "Server", "Sockets", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .testTarget(name: "MetricsTests", dependencies: ["Buffers", "Metrics"], swiftSettings: house),
    .testTarget(
      name: "ServingTests", dependencies: ["Buffers", "HTTP", "Serving", "Sockets"], swiftSettings: house),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "Buffers", "Convolution", "Equivalence", "HTTP", "Metrics", "Service", "TensorCoding", "TestSupport",
      ],
      swiftSettings: house),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Buffers", "Compression", "Convolution", "HTTP", "Service", "TensorCoding", "TestSupport",
      ],
      path: "Tests/Fuzzing/Targets", swiftSettings: house),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings its own `main`, so that this program links with `--sanitize fuzzer` only: `scripts/fuzz` asks for it.
if Context.environment["CONVCHECK_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Driver", swiftSettings: house))
}
