import Files
import FoundationEssentials
import Glibc
import Hashing

/// A family of programs for one processor as one file, with a description of what it is for.
///
/// The file holds native code that runs with the rights of whoever loads it: an artifact is a program. Its SHA-256 finds
/// damage, not malice.
///
/// | bytes | |
/// |---|---|
/// | 8 | 89 'ADJ' 0D 0A 1A 0A |
/// | 4 x 8 | version of the format; lengths of metadata, code and constants; little-endian |
/// | | metadata: JSON with sorted members |
/// | | code: a shared object |
/// | | zeros up to a multiple of 4096, then the constants |
/// | 4096 | zeros, into which vector loads may stray |
/// | 32 | SHA-256 of all that precedes |
///
/// Equal artifacts have equal bytes.
public struct Artifact<Description: Codable & Sendable>: Sendable {
  public let family: ProgramFamily
  public let cpu: TargetCPU
  public let description: Description
  /// The SHA-256 of a whole file in hexadecimal digits, and its length.
  public typealias FileIdentity = (sha256: String, byteCount: Int)
  /// Of the file that holds it; nil for one that is in memory alone.
  public var fileIdentity: FileIdentity? { origin.map { ($0.sha256, $0.file.bytes.count) } }
  private let origin: (file: MappedFile, sha256: String)?

  public init(_ family: ProgramFamily, cpu: TargetCPU, description: Description) {
    self.init(family: family, cpu: cpu, description: description, origin: nil)
  }

  private init(
    family: ProgramFamily, cpu: TargetCPU, description: Description, origin: (file: MappedFile, sha256: String)?
  ) {
    self.family = family
    self.cpu = cpu
    self.description = description
    self.origin = origin
  }

  /// Writes the file, whose damage by a power failure is found when it is read. Constants are not copied.
  /// - Throws: `AtomicFileError`.
  /// Cost: of the slower of one pass of SHA-256, which an artifact that is in a file has behind it, and of writing.
  @discardableResult
  public func write(to path: String, mode: mode_t = 0o666) throws -> FileIdentity {
    if let origin, let fileIdentity {
      try origin.file.withBytes { _ = try AtomicFile.write([$0], to: path, mode: mode, flushes: false) }
      return fileIdentity
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let metadata = Array(
      try encoder.encode(
        ArtifactMetadata(
          cpu: .init(name: cpu.name, features: cpu.features), programs: family.programs, description: description)))
    let layout = ArtifactLayout(
      metadataCount: metadata.count, codeCount: family.code.count, constantCount: family.constants.count)
    let head = layout.header + metadata + family.code + [UInt8](repeating: 0, count: layout.paddingCount)
    let slack = [UInt8](repeating: 0, count: ArtifactLayout.page)
    var hash = SHA256()
    try head.withUnsafeBytes { head in
      try family.constants.withUnsafeBytes { constants in
        try slack.withUnsafeBytes { slack in
          let parts = [head, constants, slack]
          try AtomicFile.write(parts, to: path, mode: mode, flushes: false) {
            for part in parts { hash.update(part) }
            let digest = hash.digest()
            hash.update(digest)
            return digest
          }
        }
      }
    }
    return (hash.hexDigest(), layout.byteCount)
  }

  /// Maps a file and checks it; its constants stay in the mapping, code and metadata are copied before they are hashed.
  /// - Parameter pin: the SHA-256 that the whole file must have, in hexadecimal digits.
  /// - Throws: ``ArtifactError`` for a foreign, damaged or truncated file, and for one that this machine cannot run.
  /// Cost: one pass of SHA-256 over the file.
  public init(contentsOf path: String, pin: String? = nil) throws(ArtifactError) {
    let file: MappedFile
    do { file = try MappedFile(path) } catch { throw ArtifactError(path: path, problem: .unreadable(error)) }
    try self.init(file, at: path, pin: pin)
  }

  private init(_ file: MappedFile, at path: String, pin: String?) throws(ArtifactError) {
    func fail(_ problem: ArtifactError.Problem) -> ArtifactError { ArtifactError(path: path, problem: problem) }
    // The mapping is in use to the end, also where nothing is read from it.
    defer { withExtendedLifetime(file) {} }
    let layout: ArtifactLayout
    do { layout = try ArtifactLayout(file.bytes) } catch { throw fail(error) }

    let head = Array(file.bytes[..<layout.constants.lowerBound])
    let digest = Array(file.bytes[layout.digestStart...])
    var hash = SHA256()
    hash.update(head)
    hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[layout.constants.lowerBound..<layout.digestStart]))
    guard hash.digest() == digest else { throw fail(.damaged) }
    hash.update(digest)
    let sha256 = hash.hexDigest()
    if let pin, pin.lowercased() != sha256 { throw fail(.pin(expected: pin, found: sha256)) }

    let metadata: ArtifactMetadata<Description>
    do {
      metadata = try JSONDecoder().decode(ArtifactMetadata<Description>.self, from: Data(head[layout.metadata]))
    } catch DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context),
      DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      throw fail(.metadata(problem: context.debugDescription))
    } catch {
      throw fail(.metadata(problem: "\(error)"))
    }
    do { cpu = try TargetCPU.resolve(named: metadata.cpu.name, features: metadata.cpu.features) } catch {
      throw fail(.cpu(error))
    }
    family = ProgramFamily(
      programs: metadata.programs, code: Array(head[layout.code]), constants: .file(file, layout.constants))
    description = metadata.description
    origin = (file, sha256)
  }
}

extension Artifact {
  /// Reads a file as ``init(contentsOf:pin:)`` does, while it is copied; nil, and no copy, for a file that this refuses.
  /// - Throws: `AtomicFileError`.
  public static func copy(_ path: String, to copy: String) throws(AtomicFileError) -> Artifact? {
    guard let file = try? MappedFile(path) else { return nil }
    var artifact: Artifact?
    try AtomicFile.write([file.bytes], to: copy, flushes: false) {
      artifact = try? Artifact(file, at: path, pin: nil)
      return artifact == nil ? nil : []
    }
    return artifact
  }

  /// This artifact with its constants in a file to which it has just been written; nil if that is gone or another's.
  /// - Parameter sha256: of that file.
  public func mapped(from path: String, sha256: String) -> Artifact? {
    guard let file = try? MappedFile(path), let layout = try? ArtifactLayout(file.bytes),
      layout.code.count == family.code.count, layout.constants.count == family.constants.count
    else { return nil }
    return Artifact(
      family: ProgramFamily(
        programs: family.programs, code: family.code, constants: .file(file, layout.constants)),
      cpu: cpu, description: description, origin: (file, sha256))
  }
}

/// Whether a file begins as artifacts do, whatever follows.
public func beginsAsArtifact(_ path: String) -> Bool {
  guard let file = try? MappedFile(path) else { return false }
  return file.withBytes { $0.starts(with: ArtifactLayout.magic) }
}

private struct ArtifactMetadata<Description: Codable>: Codable {
  struct CPU: Codable {
    let name: String
    let features: [String]
  }
  let cpu: CPU
  let programs: [Program]
  let description: Description
}

/// Where the parts of the file lie.
private struct ArtifactLayout {
  /// No text and no ONNX model begins like this, and a transfer that rewrites line ends spoils it.
  static let magic: [UInt8] = [0x89, 0x41, 0x44, 0x4a, 0x0d, 0x0a, 0x1a, 0x0a]
  static let formatVersion: UInt64 = 1
  static let page = 4096
  static let headerCount = 8 + 4 * 8

  let metadata: Range<Int>
  let code: Range<Int>
  let constants: Range<Int>
  var digestStart: Int { constants.upperBound + Self.page }
  var byteCount: Int { digestStart + SHA256.digestByteCount }
  var paddingCount: Int { constants.lowerBound - code.upperBound }

  init(metadataCount: Int, codeCount: Int, constantCount: Int) {
    metadata = Self.headerCount..<Self.headerCount + metadataCount
    code = metadata.upperBound..<metadata.upperBound + codeCount
    let start = (code.upperBound + Self.page - 1) / Self.page * Self.page
    constants = start..<start + constantCount
  }

  var header: [UInt8] {
    let numbers = [Self.formatVersion] + [metadata, code, constants].map { UInt64($0.count) }
    return Self.magic + numbers.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
  }

  /// Reads the header of a file and compares its lengths with that of the file.
  init(_ file: UnsafeRawBufferPointer) throws(ArtifactError.Problem) {
    guard file.starts(with: Self.magic) else { throw .foreign }
    guard file.count >= Self.headerCount else { throw .byteCount(found: file.count, expected: .max) }
    func number(_ index: Int) -> UInt64 {
      UInt64(littleEndian: file.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt64.self))
    }
    guard number(0) == Self.formatVersion else {
      throw .formatVersion(found: number(0), accepted: Self.formatVersion)
    }
    var counts: [Int] = []
    for index in 1...3 {
      guard let count = Int(exactly: number(index)), count < 1 << 48 else {
        throw .byteCount(found: file.count, expected: .max)
      }
      counts.append(count)
    }
    self.init(metadataCount: counts[0], codeCount: counts[1], constantCount: counts[2])
    guard file.count == byteCount else { throw .byteCount(found: file.count, expected: byteCount) }
  }
}

extension ArtifactError.Problem: Error {}
