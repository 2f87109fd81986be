import CPlatform

/// The processor that code is compiled for, by a name that means the same on every machine.
public struct TargetCPU: Sendable, Hashable {
  /// The value of `-march`.
  public let name: String
  public let vectorBitCount: Int
  public let vectorRegisterCount: Int
  public let hasFusedMultiplyAdd: Bool

  /// Elements of an f32 vector.
  public var floatLaneCount: Int { vectorBitCount / 32 }

  /// The compiler flags that select this processor.
  public var flags: [String] {
    // Without the second flag compilers split every 512-bit vector in two: 2 to 3 times slower.
    ["-march=\(name)"] + (vectorBitCount == 512 ? ["-mprefer-vector-width=512"] : [])
  }

  /// The processors of this architecture, each able to run the code of those before it.
  public static let all: [TargetCPU] = {
    #if arch(x86_64)
      [
        TargetCPU(name: "x86-64", vectorBitCount: 128, vectorRegisterCount: 16, hasFusedMultiplyAdd: false),
        TargetCPU(name: "x86-64-v2", vectorBitCount: 128, vectorRegisterCount: 16, hasFusedMultiplyAdd: false),
        TargetCPU(name: "x86-64-v3", vectorBitCount: 256, vectorRegisterCount: 16, hasFusedMultiplyAdd: true),
        TargetCPU(name: "x86-64-v4", vectorBitCount: 512, vectorRegisterCount: 32, hasFusedMultiplyAdd: true),
      ]
    #elseif arch(arm64)
      [TargetCPU(name: "armv8-a", vectorBitCount: 128, vectorRegisterCount: 32, hasFusedMultiplyAdd: true)]
    #endif
  }()

  /// The best processor that this machine and its operating system support.
  public static let best: TargetCPU = {
    let level: Int = max(1, Int(platform_x86_64_level()))
    return all[min(level, all.count) - 1]
  }()

  /// The processor of that name, or the best one.
  /// - Throws: ``CompilationError/unknownCPU(name:accepted:)``, or
  ///   ``CompilationError/unsupportedCPU(name:best:)`` when this machine could not run the code.
  public static func resolve(named name: String? = nil) throws(CompilationError) -> TargetCPU {
    guard let name else { return best }
    guard let index = all.firstIndex(where: { $0.name == name }) else {
      throw .unknownCPU(name: name, accepted: all.map(\.name))
    }
    guard let last = all.firstIndex(of: best), index <= last else {
      throw .unsupportedCPU(name: name, best: best.name)
    }
    return all[index]
  }
}
