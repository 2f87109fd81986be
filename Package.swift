// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "adjoint",
  targets: [
    .target(name: "TensorTypes"),
    .target(name: "IR", dependencies: ["TensorTypes"]),
    .target(name: "Programs", dependencies: ["TensorTypes"]),
    .target(name: "CPlatform"),
    .target(name: "Hashing", dependencies: ["CPlatform"]),
    .testTarget(name: "HashingTests", dependencies: ["Hashing"]),
    .target(name: "Execution", dependencies: ["TensorTypes", "Programs", "CPlatform"]),
    .testTarget(
      name: "ExecutionTests", dependencies: ["TensorTypes", "Programs", "CPlatform", "Execution", "NativeCompilation"]),
    .target(name: "NativeCompilation", dependencies: ["CPlatform", "Hashing"]),
    .testTarget(name: "NativeCompilationTests", dependencies: ["NativeCompilation"]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "COnnx", dependencies: ["CProtobufC"], exclude: ["onnx.proto"]),
    .target(name: "Operators", dependencies: ["TensorTypes", "IR"]),
    .target(name: "ONNX", dependencies: ["TensorTypes", "IR", "Operators", "COnnx", "CProtobufC"]),
    .target(name: "Autodiff", dependencies: ["TensorTypes", "IR", "Operators"]),
  ]
)
