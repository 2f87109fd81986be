import Foundation
import NativeCompilation
import Programs
import Testing

@Suite struct ObjectCacheTests {
  static let unit = "void kernel_0(char *const *operands, long first, long end, int *error) { *operands[0] = 1; }"

  @Test func theSecondCompilationIsTakenFromTheCache() throws {
    try withTemporaryDirectory { directory in
      let compiler = try CCompiler.locate()
      let cache = try ObjectCache(directory: directory)
      let object = try compiler.compile(units: [Self.unit], for: .best, cache: cache)
      let file = try #require(try entries(of: directory).only)
      let key = String(file.dropLast(".object".count))
      #expect(cache.object(for: key) == object)

      cache.store([1, 2, 3], for: key)
      #expect(try compiler.compile(units: [Self.unit], for: .best, cache: cache) == [1, 2, 3])
    }
  }

  @Test func anotherTextOrProcessorIsAnotherEntry() throws {
    try withTemporaryDirectory { directory in
      let compiler = try CCompiler.locate()
      let cache = try ObjectCache(directory: directory)
      _ = try compiler.compile(units: [Self.unit], for: .best, cache: cache)
      _ = try compiler.compile(units: [Self.unit + " "], for: .best, cache: cache)
      #expect(try entries(of: directory).count == 2)
      if let other = TargetCPU.all.first(where: { $0 != .best }) {
        _ = try compiler.compile(units: [Self.unit], for: other, cache: cache)
        #expect(try entries(of: directory).count == 3)
      }
    }
  }

  @Test func fieldsDoNotRunIntoEachOther() {
    #expect(ObjectCache.key(for: ["ab", "c"]) != ObjectCache.key(for: ["a", "bc"]))
    #expect(ObjectCache.key(for: ["a"]) != ObjectCache.key(for: ["a", ""]))
    #expect(ObjectCache.key(for: ["a", "b"]) == ObjectCache.key(for: ["a", "b"]))
  }

  @Test("A damaged entry is removed and made anew", arguments: [0, 100, -1])
  func damage(position: Int) throws {
    try withTemporaryDirectory { directory in
      let compiler = try CCompiler.locate()
      let cache = try ObjectCache(directory: directory)
      let object = try compiler.compile(units: [Self.unit], for: .best, cache: cache)
      let file = try #require(try entries(of: directory).only)
      let path = URL(fileURLWithPath: "\(directory)/\(file)")
      var bytes = try Data(contentsOf: path)
      bytes[position < 0 ? bytes.count + position : position] ^= 1
      try bytes.write(to: path)
      #expect(cache.object(for: String(file.dropLast(".object".count))) == nil)
      #expect(try entries(of: directory) == [])

      try bytes.prefix(20).write(to: path)
      #expect(try compiler.compile(units: [Self.unit], for: .best, cache: cache) == object)
      #expect(cache.object(for: String(file.dropLast(".object".count))) == object)
    }
  }

  @Test func theLongestUnusedEntriesAreRemovedFirst() throws {
    try withTemporaryDirectory { directory in
      // Three entries of 1032 bytes fit, four do not.
      let cache = try ObjectCache(directory: directory, byteLimit: 3500)
      for (age, key) in ["a", "b", "c"].enumerated() {
        cache.store([UInt8](repeating: 7, count: 1000), for: key)
        let date = Date(timeIntervalSinceNow: Double(age - 100))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: "\(directory)/\(key).object")
      }
      #expect(cache.object(for: "a") != nil)
      cache.store([UInt8](repeating: 7, count: 1000), for: "d")
      #expect(try entries(of: directory) == ["a.object", "c.object", "d.object"])
    }
  }

  @Test func aCacheThatCannotBeWrittenDoesNotFailTheCompilation() throws {
    try withTemporaryDirectory { directory in
      let cache = try ObjectCache(directory: "\(directory)/cache")
      try FileManager.default.removeItem(atPath: "\(directory)/cache")
      #expect(!cache.store([1], for: "key"))
      #expect(try !CCompiler.locate().compile(units: [Self.unit], for: .best, cache: cache).isEmpty)
    }
  }

  @Test func aDirectoryThatOthersMayWriteIsRefused() throws {
    try withTemporaryDirectory { directory in
      for mode in [0o770, 0o707, 0o777] {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: directory)
        #expect(throws: ObjectCacheError.writableByOthers(path: directory, mode: UInt32(mode))) {
          try ObjectCache(directory: directory)
        }
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
  func aDirectoryOfAnotherUserIsRefused() throws {
    try withTemporaryDirectory { directory in
      #expect(chown(directory, 12345, 12345) == 0)
      #expect(throws: ObjectCacheError.foreignOwner(path: directory, owner: 12345)) {
        try ObjectCache(directory: directory)
      }
    }
  }

  @Test func theStandardDirectoryFollowsTheEnvironmentAndIsPrivate() throws {
    try withTemporaryDirectory { directory in
      let named = try ObjectCache.standard(environment: ["XDG_CACHE_HOME": directory, "HOME": "/nowhere"])
      #expect(named.directory == "\(directory)/adjoint/objects")
      let home = try ObjectCache.standard(environment: ["HOME": directory])
      #expect(home.directory == "\(directory)/.cache/adjoint/objects")
      let attributes = try FileManager.default.attributesOfItem(atPath: home.directory)
      #expect(attributes[.posixPermissions] as? Int == 0o700)
      #expect(throws: ObjectCacheError.noHome) { try ObjectCache.standard(environment: [:]) }
    }
  }
}

extension Array {
  fileprivate var only: Element? { count == 1 ? first : nil }
}
