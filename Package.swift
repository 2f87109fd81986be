// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "adjoint",
  targets: [
    .target(name: "TensorTypes"),
    .target(name: "IR", dependencies: ["TensorTypes"]),
    .target(name: "Programs", dependencies: ["TensorTypes"]),
  ]
)
