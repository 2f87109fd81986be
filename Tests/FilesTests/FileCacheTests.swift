import Files
import Foundation
import Testing

@Suite struct FileCacheTests {
  @discardableResult
  private func store(_ bytes: [UInt8], _ key: String, in cache: FileCache) -> String? {
    cache.store(for: key) { path, mode in
      try bytes.withUnsafeBytes { _ = try AtomicFile.write([$0], to: path, mode: mode) }
    }?.path
  }

  private func entries(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  @Test func whatIsStoredIsFoundUntilItIsRemoved() throws {
    try withDirectory { directory in
      let cache = try FileCache(directory: directory + "/new/cache", byteLimit: 100)
      #expect(try FileManager.default.attributesOfItem(atPath: cache.directory)[.posixPermissions] as? Int == 0o700)
      #expect(cache.file(for: "a") == nil)
      let path = try #require(store([1, 2], "a", in: cache))
      #expect(cache.file(for: "a") == path && cache.file(for: "b") == nil)
      #expect(try WholeFile.read(path, limit: 2) == [1, 2])
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
      cache.remove("a")
      #expect(cache.file(for: "a") == nil)
    }
  }

  @Test func theLongestUnusedEntriesAreRemovedFirst() throws {
    try withDirectory { directory in
      // Three entries of 1000 bytes fit, four do not.
      let cache = try FileCache(directory: directory, byteLimit: 3500)
      let bytes = [UInt8](repeating: 7, count: 1000)
      for (age, key) in ["a", "b", "c"].enumerated() {
        let path = try #require(store(bytes, key, in: cache))
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: Double(age - 100))], ofItemAtPath: path)
      }
      #expect(cache.file(for: "a") != nil)
      store(bytes, "d", in: cache)
      #expect(["a", "b", "c", "d"].filter { cache.file(for: $0) != nil } == ["a", "c", "d"])
      // What is just stored stays, even where it exceeds the limit alone.
      store([UInt8](repeating: 7, count: 5000), "e", in: cache)
      #expect(["a", "b", "c", "d", "e"].filter { cache.file(for: $0) != nil } == ["e"])
    }
  }

  @Test func whatAKilledWriterLeftIsRemovedAfterAnHour() throws {
    try withDirectory { directory in
      let cache = try FileCache(directory: directory, byteLimit: 100)
      for (name, age) in [(".old.partial", 7200.0), (".new.partial", 60)] {
        try Data([1]).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: "\(directory)/\(name)")
      }
      store([1], "a", in: cache)
      #expect(try entries(directory).filter { $0.hasSuffix(".partial") } == [".new.partial"])
    }
  }

  @Test func aCacheThatCannotBeWrittenStoresNothing() throws {
    try withDirectory { directory in
      let cache = try FileCache(directory: "\(directory)/cache", byteLimit: 100)
      try FileManager.default.removeItem(atPath: "\(directory)/cache")
      #expect(store([1], "key", in: cache) == nil && cache.file(for: "key") == nil)
      try Data().write(to: URL(fileURLWithPath: "\(directory)/file"))
      #expect(throws: FileCacheError.self) { try FileCache(directory: "\(directory)/file/cache", byteLimit: 100) }
      #expect(throws: FileCacheError.cannotCreate(path: "\(directory)/file", reason: "not a directory")) {
        try FileCache(directory: "\(directory)/file", byteLimit: 100)
      }
    }
  }

  @Test func aDirectoryThatOthersMayWriteIsRefused() throws {
    try withDirectory { directory in
      for mode in [0o770, 0o707, 0o777] {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: directory)
        #expect(throws: FileCacheError.writableByOthers(path: directory, mode: UInt32(mode))) {
          try FileCache(directory: directory, byteLimit: 100)
        }
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
  func aDirectoryOfAnotherUserIsRefused() throws {
    try withDirectory { directory in
      #expect(chown(directory, 12345, 12345) == 0)
      #expect(throws: FileCacheError.foreignOwner(path: directory, owner: 12345)) {
        try FileCache(directory: directory, byteLimit: 100)
      }
    }
  }
}
