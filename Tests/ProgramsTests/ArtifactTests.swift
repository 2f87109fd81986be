import Files
import Foundation
import Hashing
import Programs
import TensorTypes
import Testing

/// What a file is for, as a user of the format may have it.
private struct Purpose: Codable, Equatable, Sendable {
  var words: String
  var mean: [Double]
  var labels: [String]?
}

@Suite struct ArtifactTests {
  private let directory: String
  private var path: String { directory + "/sample.adjoint" }

  init() throws {
    directory = NSTemporaryDirectory() + "adjoint-artifacts-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  private static let family: ProgramFamily = {
    let types = [ElementType.float32, .float64, .int32, .int64, .boolean].map { TensorType($0, [2, 3]) }
    let ports = types.enumerated().map { Port(name: "port \"\($0)\"\n/é", type: $1, offset: 64 * $0) }
    let scalar = Port(name: "", type: TensorType(.float32, .scalar), offset: 0)
    let steps = (0..<3).map { number in
      Step(
        kernel: number, operands: [.arena(64 * number), .constants(1 << 40), .arena(0)], taskCount: number, summary: "add",
        node: number == 1 ? nil : "/node/\(number)", floatingPointOperations: 7 * number, bytesMoved: 1 << 50)
    }
    let empty = Program(name: "empty", inputs: [], outputs: [scalar], steps: [], arenaByteCount: 0)
    let full = Program(name: "full", inputs: ports, outputs: [scalar], steps: steps, arenaByteCount: 4096)
    return ProgramFamily(
      programs: [empty, full], code: Array("no code".utf8), constants: (0..<320).map { UInt8($0 % 251) })
  }()

  private static let purpose = Purpose(words: "a \"test\"", mean: [0.1, 1.0 / 3, -2e-9], labels: ["crane", "Kran"])

  private func artifact(_ family: ProgramFamily = family) -> Artifact<Purpose> {
    Artifact(family, cpu: .best, description: Self.purpose)
  }

  private func bytes() throws -> [UInt8] {
    try artifact().write(to: path)
    return Array(try #require(FileManager.default.contents(atPath: path)))
  }

  /// The error that bytes are refused with; an issue if they are accepted.
  private func refusal(_ bytes: some Sequence<UInt8>, pin: String? = nil) throws -> ArtifactError.Problem? {
    let other = directory + "/other"
    try Data(bytes).write(to: URL(fileURLWithPath: other))
    let error = #expect(throws: ArtifactError.self) { try Artifact<Purpose>(contentsOf: other, pin: pin) }
    #expect(error?.description.contains("'\(other)'") == true)
    return error?.problem
  }

  @Test func whatIsReadIsWhatWasWrittenAndIsWrittenAgainInTheSameBytes() throws {
    let first = try bytes()
    let read = try Artifact<Purpose>(contentsOf: path)
    #expect(read.family.programs == Self.family.programs)
    #expect(read.family.code == Self.family.code)
    #expect(read.cpu == .best && read.description == Self.purpose)
    let (found, expected) = (
      read.family.constants.withUnsafeBytes(Array.init), Self.family.constants.withUnsafeBytes(Array.init)
    )
    #expect(found == expected)
    // As it was mapped, and put together anew from what was read.
    for again in [read, Artifact(read.family, cpu: read.cpu, description: read.description)] {
      let written = try again.write(to: directory + "/again")
      #expect(FileManager.default.contents(atPath: directory + "/again").map(Array.init) == first)
      #expect(written == (SHA256.hexDigest(of: first), first.count))
    }
    #expect(beginsAsArtifact(path))
  }

  @Test func whatWasJustWrittenIsMappedAsItIsReadAndNotFromAnothersFile() throws {
    let written = try bytes()
    let sha256 = SHA256.hexDigest(of: written)
    let mapped = try #require(artifact().mapped(from: path, sha256: sha256))
    #expect(try mapped.write(to: path + ".again") == (sha256, written.count))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".again")) == Data(written))
    if case .memory = mapped.family.constants { Issue.record("constants are not those of the file") }

    let other = ProgramFamily(programs: [], code: Array("longer code".utf8), constants: [1])
    #expect(artifact(other).mapped(from: path, sha256: sha256) == nil)
    #expect(artifact().mapped(from: path + ".absent", sha256: sha256) == nil)
  }

  @Test func whatIsReadWhileItIsCopiedIsWholeAndADamagedFileLeavesNoCopy() throws {
    var written = try bytes()
    let copy = directory + "/copy"
    let read = try #require(try Artifact<Purpose>.copy(path, to: copy))
    #expect(read.family.programs == Self.family.programs && read.description == Self.purpose)
    #expect(try #require(read.fileIdentity) == (SHA256.hexDigest(of: written), written.count))
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data(written))

    written[written.count / 2] ^= 1
    try Data(written).write(to: URL(fileURLWithPath: path))
    let before = try FileManager.default.contentsOfDirectory(atPath: directory)
    for target in [copy, directory + "/new"] {
      #expect(try Artifact<Purpose>.copy(path, to: target) == nil)
      #expect(try Artifact<Purpose>.copy(path + ".absent", to: target) == nil)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == before)
    #expect(throws: Never.self) { try Artifact<Purpose>(contentsOf: copy) }
  }

  @Test("Constants lie at a multiple of 64 bytes with a page of zeros behind them", arguments: [0, 1, 64, 4096, 5000])
  func slack(count: Int) throws {
    let family = ProgramFamily(programs: [], code: [1, 2, 3], constants: [UInt8](repeating: 7, count: count))
    try artifact(family).write(to: path)
    guard case .file(let file, let range) = try Artifact<Purpose>(contentsOf: path).family.constants else {
      Issue.record("the constants were copied")
      return
    }
    #expect(range.count == count && range.lowerBound % 4096 == 0 && range.lowerBound >= 4096)
    file.withBytes { bytes in
      #expect(UInt(bitPattern: bytes.baseAddress) % 4096 == 0)
      #expect(bytes[range].allSatisfy { $0 == 7 })
      #expect(bytes[range.upperBound..<range.upperBound + 4096].allSatisfy { $0 == 0 })
    }
  }

  @Test func aFileThatEndsEarlyIsRefusedWhereverItEnds() throws {
    let whole = try bytes()
    for count in Array(0...64) + Array(stride(from: 65, to: whole.count, by: 97)) + [whole.count - 32, whole.count - 1] {
      let problem = try refusal(whole.prefix(count))
      if count < 8 {
        #expect(problem == .foreign)
      } else if count < 40 {
        #expect(problem == .byteCount(found: count, expected: .max))
      } else {
        #expect(problem == .byteCount(found: count, expected: whole.count))
      }
    }
    #expect(try refusal(whole + [0]) == .byteCount(found: whole.count + 1, expected: whole.count))
  }

  @Test func aFlippedBitIsFoundWhereverItIs() throws {
    var whole = try bytes()
    for position in Array(0..<40) + Array(stride(from: 40, to: whole.count, by: 53)) + [whole.count - 1] {
      let bit = UInt8(1) << UInt8(position % 8)
      whole[position] ^= bit
      let problem = try refusal(whole)
      switch position {
      case 0..<8: #expect(problem == .foreign)
      case 8..<16: if case .formatVersion(_, 1)? = problem {} else { Issue.record("\(String(describing: problem))") }
      case 16..<40:
        // A length that the zeros up to the constants take up leaves that of the file as it is.
        if case .byteCount? = problem {} else { #expect(problem == .damaged, "byte \(position)") }
      default: #expect(problem == .damaged, "byte \(position)")
      }
      whole[position] ^= bit
    }
    #expect(throws: Never.self) { try Artifact<Purpose>(contentsOf: path) }
  }

  @Test("Files of other kinds are refused", arguments: ["", "\u{89}PNG\r\n\u{1a}\n", "\u{8}\u{7}\u{12}\u{4}test", "{}"])
  func foreign(beginning: String) throws {
    #expect(try refusal(beginning.unicodeScalars.map { UInt8($0.value) } + [UInt8](repeating: 0, count: 100)) == .foreign)
    #expect(!beginsAsArtifact(directory + "/other"))
  }

  @Test func whatIsNoRegularFileIsRefused() {
    for path in [directory, "/dev/zero", directory + "/missing"] {
      let error = #expect(throws: ArtifactError.self) { try Artifact<Purpose>(contentsOf: path) }
      if case .unreadable? = error?.problem {} else { Issue.record("\(String(describing: error))") }
    }
  }

  @Test func aPinIsTheHashOfTheWholeFile() throws {
    let whole = try bytes()
    let hash = SHA256.hexDigest(of: whole)
    for pin in [hash, hash.uppercased()] {
      #expect(throws: Never.self) { try Artifact<Purpose>(contentsOf: path, pin: pin) }
    }
    let other = String(hash.reversed())
    #expect(try refusal(whole, pin: other) == .pin(expected: other, found: hash))
  }

  /// The file with words of its metadata replaced by as many others, and the hash that goes with them.
  private func rewritten(_ words: String, _ others: String) throws -> [UInt8] {
    var whole = try bytes()
    let place = try #require(whole.firstRange(of: Array(words.utf8)))
    #expect(words.utf8.count == others.utf8.count)
    whole.replaceSubrange(place, with: others.utf8)
    return whole.dropLast(32) + SHA256.digest(of: Array(whole.dropLast(32)))
  }

  @Test func codeForAnotherProcessorIsRefusedByName() throws {
    let name = TargetCPU.best.name
    let other = String(name.dropLast()) + "~"
    let accepted = TargetCPU.all.map(\.name)
    #expect(
      try refusal(rewritten("\"name\":\"\(name)\"", "\"name\":\"\(other)\""))
        == .cpu(.unknown(name: other, accepted: accepted)))
    if let feature = TargetCPU.best.features.last {
      let missing = String(feature.dropLast()) + "~"
      #expect(
        try refusal(rewritten("\"\(feature)\"", "\"\(missing)\"")) == .cpu(.missingFeatures(name: name, features: [missing]))
      )
    }
  }

  @Test(
    "Metadata that makes no sense is refused, though its hash is right",
    arguments: [
      ("\"arena+128\"", "\"arena-128\""), ("\"arena+128\"", "\"stack+128\""), ("\"shape\":[2,3]", "\"shape\":[-2,3"),
      ("\"shape\":[2,3]", "\"shape\":\"2,3\""), ("\"element\":\"f64\"", "\"element\":\"f65\""), ("\"steps\":", "\"stets\":"),
    ])
  func senseless(words: String, others: String) throws {
    let padded = others + String(repeating: " ", count: max(0, words.utf8.count - others.utf8.count))
    if case .metadata(let problem)? = try refusal(rewritten(words, String(padded.prefix(words.count)))) {
      #expect(!problem.isEmpty)
    } else {
      Issue.record("accepted, or refused for another reason")
    }
  }
}
