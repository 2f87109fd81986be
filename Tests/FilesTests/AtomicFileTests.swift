import Files
import Foundation
import Testing

/// A directory of its own for one test.
private func withDirectory(_ body: (String) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
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
