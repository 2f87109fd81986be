// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "adjoint",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .target(name: "TensorTypes"),
    .target(name: "Files"),
    .testTarget(name: "FilesTests", dependencies: ["Files"]),
    .target(name: "IR", dependencies: ["TensorTypes"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Arrays", dependencies: ["TensorTypes", "Files", "CZlib"]),
    .testTarget(name: "ArraysTests", dependencies: ["TensorTypes", "Arrays"]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
    .target(name: "CImageCodecs", dependencies: ["CPNG", "CJPEG"]),
    .target(name: "Images", dependencies: ["TensorTypes", "Files", "CImageCodecs"]),
    .testTarget(name: "ImagesTests", dependencies: ["TensorTypes", "Arrays", "Images"]),
    .target(name: "CPlatform"),
    .target(name: "Hashing", dependencies: ["CPlatform"]),
    .testTarget(name: "HashingTests", dependencies: ["CPlatform", "Hashing"]),
    .target(name: "Programs", dependencies: ["TensorTypes", "Files", "CPlatform", "Hashing"]),
    .testTarget(name: "ProgramsTests", dependencies: ["TensorTypes", "Files", "Hashing", "Programs"]),
    .target(name: "Execution", dependencies: ["TensorTypes", "Programs", "CPlatform"]),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    .testTarget(
      name: "ExecutionTests",
      dependencies: [
        "TensorTypes", "Files", "Programs", "CPlatform", "Execution", "NativeCompilation", "CAllocationCount",
      ]),
    .target(name: "NativeCompilation", dependencies: ["Files", "CPlatform", "Programs"]),
    .testTarget(name: "NativeCompilationTests", dependencies: ["NativeCompilation", "Programs"]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "COnnx", dependencies: ["CProtobufC"], exclude: ["onnx.proto"]),
    .target(name: "Operators", dependencies: ["TensorTypes", "IR"]),
    .target(name: "ONNX", dependencies: ["TensorTypes", "Files", "IR", "Operators", "COnnx", "CProtobufC"]),
    .target(name: "SampleModels", path: "Tests/SampleModels"),
    .testTarget(
      name: "ONNXTests", dependencies: ["ONNX", "TensorTypes", "IR", "Operators", "Autodiff", "Passes", "SampleModels"]),
    .target(name: "Passes", dependencies: ["TensorTypes", "IR", "Operators"]),
    .target(name: "Autodiff", dependencies: ["TensorTypes", "IR", "Operators"]),
    .target(
      name: "TestSupport", dependencies: ["TensorTypes", "IR", "Operators", "Autodiff"], path: "Tests/TestSupport"),
    .testTarget(name: "IRTests", dependencies: ["TensorTypes", "IR", "Operators", "TestSupport"]),
    .testTarget(name: "OperatorsTests", dependencies: ["TensorTypes", "IR", "Operators", "Autodiff", "TestSupport"]),
    .testTarget(name: "AutodiffTests", dependencies: ["TensorTypes", "IR", "Operators", "Autodiff", "TestSupport"]),
    .testTarget(
      name: "PassesTests", dependencies: ["TensorTypes", "IR", "Operators", "Autodiff", "Passes", "TestSupport"]),
    .target(
      name: "Codegen",
      dependencies: ["TensorTypes", "IR", "Operators", "Passes", "Programs", "NativeCompilation"]),
    .target(name: "Interpreters", dependencies: ["TensorTypes", "IR", "Operators", "Autodiff", "Passes"]),
    .target(name: "SampleNetworks", dependencies: ["TensorTypes", "IR", "Operators"], path: "Tests/SampleNetworks"),
    .testTarget(
      name: "InterpretersTests",
      dependencies: [
        "TensorTypes", "IR", "Operators", "Autodiff", "Passes", "Interpreters", "SampleNetworks", "TestSupport",
      ]),
    .target(name: "Attacks", dependencies: ["TensorTypes", "Images", "IR", "Operators", "Autodiff", "Interpreters"]),
    .testTarget(
      name: "AttacksTests",
      dependencies: [
        "TensorTypes", "IR", "Operators", "Autodiff", "Passes", "Interpreters", "Attacks", "SampleNetworks", "TestSupport",
      ]),
    .testTarget(
      name: "CodegenTests",
      dependencies: [
        "TensorTypes", "Files", "IR", "Operators", "Autodiff", "Passes", "Programs", "Codegen", "NativeCompilation",
        "Execution", "TestSupport",
      ]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "TensorTypes", "IR", "Operators", "Arrays", "Autodiff", "Passes", "ONNX", "Interpreters", "Attacks", "Programs",
        "Codegen", "NativeCompilation", "Execution",
      ]),
    .target(
      name: "Adjoint",
      dependencies: [
        "TensorTypes", "Files", "IR", "Operators", "CPlatform", "Hashing", "Programs", "Arrays", "Images", "ONNX",
        "Autodiff",
        "Passes", "Codegen", "NativeCompilation", "Execution", "Interpreters", "Attacks",
      ]),
    .target(
      name: "Experiments",
      dependencies: [
        "TensorTypes", "IR", "Operators", "Autodiff", "Files", "Arrays", "Images", "Interpreters", "Attacks", "Adjoint",
      ]),
    .testTarget(name: "ExperimentsTests", dependencies: ["Experiments", "Adjoint", "Attacks"]),
    .executableTarget(
      name: "adjoint",
      dependencies: [
        "Execution", "Adjoint", "Experiments", "Attacks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "AdjointTests", dependencies: ["Adjoint", "Interpreters", "Images", "TensorTypes", "IR", "Operators"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: ["adjoint", "Arrays", "Experiments", "Images", "TensorTypes", "IR", "Operators", "SampleModels"]),
  ]
)
