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

  /// What code for this processor may use beyond the least of its architecture, by the names that compilers give.
  public let features: [String]

  /// The compiler flags that select this processor.
  public var flags: [String] {
    var flags: [String] = ["-march=\(name)"]
    // Else compilers split every 512-bit vector in two: 2 to 3 times slower.
    if vectorBitCount == 512 { flags.append("-mprefer-vector-width=512") }
    // Else vectors that do not fit into registers straddle cache lines wherever the stack happens to lie: up to a third slower.
    if vectorBitCount > 128 { flags.append("-mstackrealign") }
    return flags
  }

  /// The processors of this architecture, each able to run the code of those before it.
  public static let all: [TargetCPU] = {
    #if arch(x86_64)
      [
        TargetCPU(level: 1, name: "x86-64", vectorBitCount: 128, vectorRegisterCount: 16, hasFusedMultiplyAdd: false),
        TargetCPU(level: 2, name: "x86-64-v2", vectorBitCount: 128, vectorRegisterCount: 16, hasFusedMultiplyAdd: false),
        TargetCPU(level: 3, name: "x86-64-v3", vectorBitCount: 256, vectorRegisterCount: 16, hasFusedMultiplyAdd: true),
        TargetCPU(level: 4, name: "x86-64-v4", vectorBitCount: 512, vectorRegisterCount: 32, hasFusedMultiplyAdd: true),
      ]
    #elseif arch(arm64)
      [TargetCPU(level: 1, name: "armv8-a", vectorBitCount: 128, vectorRegisterCount: 32, hasFusedMultiplyAdd: true)]
    #endif
  }()

  private init(level: Int, name: String, vectorBitCount: Int, vectorRegisterCount: Int, hasFusedMultiplyAdd: Bool) {
    self.name = name
    self.vectorBitCount = vectorBitCount
    self.vectorRegisterCount = vectorRegisterCount
    self.hasFusedMultiplyAdd = hasFusedMultiplyAdd
    var features: [String] = []
    while let feature = platform_x86_64_feature(Int32(level), features.count) { features.append(String(cString: feature)) }
    self.features = features
  }

  /// The best processor that this machine and its operating system support.
  public static let best: TargetCPU = {
    let level: Int = max(1, Int(platform_x86_64_level()))
    return all[min(level, all.count) - 1]
  }()

  /// The processor of that name, or the best one.
  /// - Throws: ``TargetCPUError/unknown(name:accepted:)``, or ``TargetCPUError/unsupported(name:best:)`` when this machine
  ///   could not run the code.
  public static func resolve(named name: String? = nil) throws(TargetCPUError) -> TargetCPU {
    guard let name else { return best }
    guard let index = all.firstIndex(where: { $0.name == name }) else {
      throw .unknown(name: name, accepted: all.map(\.name))
    }
    guard let last = all.firstIndex(of: best), index <= last else { throw .unsupported(name: name, best: best.name) }
    return all[index]
  }

  /// The processor of that name, for code that may use these features.
  /// - Throws: as ``resolve(named:)``, and ``TargetCPUError/missingFeatures(name:features:)``.
  static func resolve(named name: String, features: [String]) throws(TargetCPUError) -> TargetCPU {
    let missing = features.filter { !platform_cpu_has($0) }
    let cpu = try resolve(named: name)
    guard missing.isEmpty else { throw .missingFeatures(name: name, features: missing) }
    return cpu
  }
}

/// Why code for a processor cannot be had, or cannot be run.
public enum TargetCPUError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknown(name: String, accepted: [String])
  case unsupported(name: String, best: String)
  case missingFeatures(name: String, features: [String])

  public var description: String {
    switch self {
    case .unknown(let name, let accepted):
      "unknown CPU '\(name)'; accepted are \(accepted.joined(separator: ", "))"
    case .unsupported(let name, let best):
      "this machine cannot run code for '\(name)'; it can run '\(best)' and what comes before"
    case .missingFeatures(let name, let features):
      "this machine lacks \(features.joined(separator: ", ")), which the code for '\(name)' uses"
    }
  }
}
