import Files
import Foundation
import Testing

/// A directory of its own for one test.
func withDirectory(_ body: (String) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path
  try FileManager.default.createDirectory(
    atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  defer { try? FileManager.default.removeItem(atPath: directory) }
  try body(directory)
}

@Suite struct AtomicFileTests {
  @Test func theFileIsReplacedAndNothingElseRemains() throws {
    try withDirectory { directory in
      let path = directory + "/" + String(repeating: "n", count: 255)
      try AtomicFile.write("first", to: path)
      try AtomicFile.write([1, 2, 3], to: path)
      #expect(FileManager.default.contents(atPath: path).map(Array.init) == [1, 2, 3])
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 1)
    }
  }

  @Test func partsFollowOneAnotherAndTheModeIsThatOfANewFile() throws {
    try withDirectory { directory in
      let path = directory + "/file"
      for flushes in [true, false] {
        try ([1, 2, 3, 4, 5] as [UInt8]).withUnsafeBytes { bytes in
          let parts = [0..<2, 2..<2, 2..<5].map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
          try AtomicFile.write(parts, to: path, mode: 0o600, flushes: flushes)
        }
        #expect(try WholeFile.read(path, limit: 5) == [1, 2, 3, 4, 5])
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
      }
    }
  }

  @Test func whatIsComputedMeanwhileFollowsThePartsOrCallsTheFileOff() throws {
    try withDirectory { directory in
      let path = directory + "/file"
      try ([1, 2] as [UInt8]).withUnsafeBytes { bytes in
        let appeared = try [[3], nil].map { end in try AtomicFile.write([bytes], to: path) { end } }
        #expect(appeared == [true, false])
        #expect(try WholeFile.read(path, limit: 3) == [1, 2, 3])
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 1)
    }
  }

  @Test func aMappedFileKeepsItsBytesWhenAnotherIsRenamedOverIt() throws {
    try withDirectory { directory in
      try AtomicFile.write([1, 2, 3], to: directory + "/file")
      let mapped = try MappedFile(directory + "/file")
      try AtomicFile.write([4], to: directory + "/file")
      #expect(mapped.withBytes(Array.init) == [1, 2, 3])
      #expect(try MappedFile(directory + "/file").withBytes(Array.init) == [4])
      try AtomicFile.write([], to: directory + "/file")
      #expect(try MappedFile(directory + "/file").withBytes(\.isEmpty))
      #expect(throws: FileReadError.notRegular) { try MappedFile(directory) }
      #expect(throws: FileReadError.system(code: ENOENT)) { try MappedFile(directory + "/missing") }
    }
  }

  @Test func aSymbolicLinkStaysALink() throws {
    try withDirectory { directory in
      try AtomicFile.write("old", to: directory + "/file")
      try FileManager.default.createSymbolicLink(atPath: directory + "/link", withDestinationPath: "file")
      try AtomicFile.write("new", to: directory + "/link")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/link") == "file")
      #expect(FileManager.default.contents(atPath: directory + "/file") == Data("new".utf8))
    }
  }

  @Test func aMissingDirectoryIsNamedWithTheSystemsReason() throws {
    try withDirectory { directory in
      let path = directory + "/missing/file"
      let error = #expect(throws: AtomicFileError.self) { try AtomicFile.write("x", to: path) }
      #expect(error == AtomicFileError(path: path, step: .create, code: ENOENT))
      #expect(error?.description == "cannot create '\(path)': No such file or directory")
    }
  }

  @Test func directoriesAndDevicesAreRefused() throws {
    try withDirectory { directory in
      #expect(throws: AtomicFileError(path: directory, step: .create, code: EISDIR)) {
        try AtomicFile.write("x", to: directory)
      }
      #expect(throws: AtomicFileError(path: "/dev/null", step: .notRegular, code: 0)) {
        try AtomicFile.write("x", to: "/dev/null")
      }
      let entries = try FileManager.default.contentsOfDirectory(atPath: directory)
      #expect(entries.isEmpty)
    }
  }

  @Test(.enabled(if: geteuid() != 0, "the superuser may write to read-only directories"))
  func aReadOnlyDirectoryKeepsTheOldFile() throws {
    try withDirectory { directory in
      try AtomicFile.write("old", to: directory + "/file")
      try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: directory)
      defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory) }
      #expect(throws: AtomicFileError(path: directory + "/file", step: .create, code: EACCES)) {
        try AtomicFile.write("new", to: directory + "/file")
      }
      #expect(FileManager.default.contents(atPath: directory + "/file") == Data("old".utf8))
    }
  }
}
