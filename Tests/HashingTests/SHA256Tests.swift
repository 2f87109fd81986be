import CPlatform
import Hashing
import Testing

@Suite struct SHA256Tests {
  @Test("The digests of the published examples", arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedExamples(message: String, digest: String) {
    #expect(SHA256.hexDigest(of: Array(message.utf8)) == digest)
  }

  @Test func aMillionLettersHashAsPublished() {
    let message = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(SHA256.hexDigest(of: message) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func anyCutOfTheMessageGivesTheSameDigest() {
    let message = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
    for length in stride(from: 0, through: 300, by: 13) {
      let whole = SHA256.digest(of: Array(message[..<length]))
      for cut in stride(from: 0, through: length, by: 5) {
        var hash = SHA256()
        hash.update(Array(message[..<cut]))
        hash.update(Array(message[cut..<length]))
        #expect(hash.digest() == whole, "length \(length), cut \(cut)")
      }
    }
  }

  /// Where the processor has no such instructions both are the same function, which the published digests then test.
  @Test func theProcessorsInstructionsGiveTheSameStatesAsPlainC() {
    var generator: UInt64 = 1
    func next() -> UInt64 {
      generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return generator >> 24
    }
    for blockCount in [0, 1, 2, 3, 17] {
      for _ in 0..<20 {
        let blocks = (0..<64 * blockCount).map { _ in UInt8(truncatingIfNeeded: next()) }
        var fast = (0..<8).map { _ in UInt32(truncatingIfNeeded: next()) }
        var plain = fast
        platform_sha256_blocks(&fast, blocks, blockCount)
        platform_sha256_blocks_portable(&plain, blocks, blockCount)
        #expect(fast == plain, "\(blockCount) blocks")
      }
    }
  }
}
