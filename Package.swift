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
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "COnnx", dependencies: ["CProtobufC"], exclude: ["onnx.proto"]),
    .target(name: "ONNX", dependencies: ["TensorTypes", "IR", "COnnx", "CProtobufC"]),
    .target(name: "Operators", dependencies: ["TensorTypes", "IR"]),
    .target(name: "Autodiff", dependencies: ["TensorTypes", "IR", "Operators"]),
  ]
)
