import Files
import Foundation
import Programs
import TensorTypes
import Testing

@testable import Execution

@Suite struct ArtifactExecutionTests {
  private struct Nothing: Codable, Sendable {}

  @Test func aFamilyRunsFromItsFileAsFromMemoryWithItsConstantsWhereTheyAre() throws {
    let path = NSTemporaryDirectory() + "adjoint-artifact-\(UUID().uuidString)"
    defer { unlink(path) }
    let family = try SampleFamily.family()
    try Artifact(family, cpu: .best, description: Nothing()).write(to: path)
    let read = try Artifact<Nothing>(contentsOf: path).family
    let (inMemory, mapped) = (try Executable(family, threads: 2), try Executable(read, threads: 2))
    guard case .file(let file, let range) = read.constants else {
      Issue.record("the constants were copied")
      return
    }
    #expect(mapped.constants.bytes.baseAddress == file.bytes.baseAddress.map { $0 + range.lowerBound })
    #expect(mapped.constantByteCount == inMemory.constantByteCount)
    let x = HostTensor([1024], ExecutableTests.ramp)
    for program in ["scale", "mix"] {
      #expect(try mapped.run(program, ["x": x]) == inMemory.run(program, ["x": x]), "\(program)")
    }
  }
}
