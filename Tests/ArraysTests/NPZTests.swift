import Foundation
import TensorTypes
import Testing

@testable import Arrays

private func bytes(_ base64: String) throws -> [UInt8] {
  Array(try #require(Data(base64Encoded: base64, options: .ignoreUnknownCharacters)))
}

private let samples: [(String, HostTensor)] = [
  ("f32", HostTensor([2, 3], [0, -0.0, 1.5, .infinity, -3.25, .leastNonzeroMagnitude] as [Float])),
  ("f64", HostTensor(TensorType(.float64, [2]), .double([1e300, -0.1]))),
  ("i32", HostTensor(TensorType(.int32, [2, 1]), .integer([Int64(Int32.min), Int64(Int32.max)]))),
  ("i64", HostTensor(TensorType(.int64, .scalar), .integer([.min]))),
  ("bool", HostTensor(TensorType(.boolean, [3]), .boolean([true, false, true]))),
  ("none", HostTensor([0, 3], [] as [Float])),
  ("größe/x", HostTensor([1, 1, 1, 1], [7] as [Int64])),
]

private func expectSamples(_ arrays: [(name: String, tensor: HostTensor)]) {
  #expect(arrays.map(\.name) == samples.map(\.0))
  #expect(arrays.map(\.tensor) == samples.map(\.1))
}

@Suite struct NPZTests {
  @Test(arguments: [RecordedArrays.stored, RecordedArrays.deflated])
  func whatNumPyWritesReadsAsTheSameArraysInTheSameOrder(_ file: String) throws {
    let arrays = try NPZ.decode(bytes(file))
    #expect(arrays.map(\.name) == ["f32", "f64", "i32", "i64", "bool", "none", "fortran"])
    let tensors = arrays.map(\.tensor)
    #expect(tensors[0] == HostTensor([2, 3], [0, 0.25, 0.5, 0.75, 1, 1.25] as [Float]))
    #expect(tensors[1] == HostTensor(TensorType(.float64, [2]), .double([1e300, -0.1])))
    #expect(tensors[2] == HostTensor(TensorType(.int32, [2, 1]), .integer([Int64(Int32.min), Int64(Int32.max)])))
    #expect(tensors[3] == HostTensor(TensorType(.int64, .scalar), .integer([1 << 62])))
    #expect(tensors[4] == HostTensor(TensorType(.boolean, [3]), .boolean([true, false, true])))
    #expect(tensors[5] == HostTensor([0, 3], [] as [Float]))
    #expect(tensors[6] == HostTensor([2, 3, 4], (0..<24).map(Float.init)))
  }

  @Test func whatIsWrittenReadsBackInEveryElementType() throws {
    expectSamples(try NPZ.decode(NPZ.encode(samples)))
  }

  @Test func aWideArchiveReadsBack() throws {
    let wide = try NPZ.encode(samples, zip64From: 0)
    #expect(wide.count > (try NPZ.encode(samples)).count)
    expectSamples(try NPZ.decode(wide))
  }

  @Test func noArraysMakeAnEmptyArchive() throws {
    #expect(try NPZ.decode(NPZ.encode([])).isEmpty)
  }

  @Test func theSameArraysGiveTheSameBytes() throws {
    #expect(try NPZ.encode(samples) == NPZ.encode(samples))
  }

  @Test func elementsBeginAtMultiplesOf64Bytes() throws {
    for (name, tensor) in samples {
      let file = try NPY.encode(tensor, named: name)
      #expect((file.count - tensor.type.byteCount) % 64 == 0)
      #expect(try NPY.decode(file) == tensor)
    }
  }

  @Test func f32TensorsHeldInDoublesAreRounded() throws {
    let wide = HostTensor(TensorType(.float32, [1]), .double([0.1]))
    #expect(try NPY.decode(NPY.encode(wide)) == HostTensor([1], [Float(0.1)]))
  }

  @Test func aFileWrittenIsTheFileRead() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).npz").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try NPZ.write(samples, to: path)
    expectSamples(try NPZ.read(path: path))
  }
}

@Suite struct NPZRefusalTests {
  @Test(arguments: RecordedArrays.refused)
  func otherElementTypesAreRefusedByName(_ refused: (descr: String, file: String)) throws {
    let error = #expect(throws: ArrayFileError.self) { try NPY.decode(bytes(refused.file), file: "x.npy") }
    #expect(error == .unsupportedElement(file: "x.npy", member: "x.npy", descr: refused.descr))
    #expect(error?.description.contains("<f4, <f8, <i4, <i8 and |b1 are read") == true)
  }

  @Test(arguments: [RecordedArrays.stored, RecordedArrays.deflated])
  func everyTruncatedFileIsRefused(_ file: String) throws {
    let whole = try bytes(file)
    for count in 0..<whole.count {
      #expect(throws: ArrayFileError.self) { try NPZ.decode(Array(whole[..<count])) }
    }
  }

  @Test(arguments: [RecordedArrays.stored, RecordedArrays.deflated])
  func aFlippedBitIsRefusedOrChangesNoArray(_ file: String) throws {
    let whole = try bytes(file)
    let expected = try NPZ.decode(whole).map(\.tensor)
    for index in whole.indices {
      var damaged = whole
      damaged[index] ^= 1 << UInt8(index % 8)
      if let arrays = try? NPZ.decode(damaged) {
        let isUnchanged = arrays.map(\.tensor) == expected
        #expect(isUnchanged, "bit flipped in byte \(index)")
      }
    }
  }

  @Test func eightBytesOfOnesAnywhereAreRefusedOrChangeNoArray() throws {
    let whole = try NPZ.encode(samples, zip64From: 0)
    let expected = samples.map(\.1)
    for index in whole.indices.dropLast(8) {
      var damaged = whole
      damaged.replaceSubrange(index..<index + 8, with: repeatElement(0xff, count: 8))
      if let arrays = try? NPZ.decode(damaged) {
        let isUnchanged = arrays.map(\.tensor) == expected
        #expect(isUnchanged, "ones from byte \(index)")
      }
    }
  }

  @Test func moreThanTheLimitIsRefusedBeforeItIsUnpacked() throws {
    let file = try bytes(RecordedArrays.deflated)
    let error = #expect(throws: ArrayFileError.self) { try NPZ.decode(file, file: "a.npz", limit: 500) }
    #expect(error?.description.hasPrefix("'a.npz' unpacks to ") == true)
  }

  @Test func headersThatAreNoHeadersAreRefused() throws {
    let headers: [(header: String, expected: String)] = [
      ("", "'{'"), ("{", "a quoted string"), ("{'descr'", "':'"), ("{}", "descr"), ("{'descr': '<f4'}", "fortran_order"),
      ("{'descr': '<f4', 'fortran_order': False}", "shape"),
      ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}", "True or False"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, -2)}", "an extent"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,", "an extent"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "an extent"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "a shape that fits memory"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1,", count: 65)))}",
        "a shape of at most 64 axes"),
      ("{'descr': '<f4', 'order': 1}", "descr, fortran_order or shape"), ("{'descr", "a closing quote"),
    ]
    for (header, expected) in headers {
      let file = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)]
      let padded = file + Array(header.utf8) + [0, 0]
      let error = #expect(throws: ArrayFileError.self) { try NPY.decode(padded, file: "x") }
      guard case .malformedHeader(_, _, expected, _) = error else {
        Issue.record("\(header): \(String(describing: error))")
        continue
      }
    }
  }

  @Test func anArrayThatIsShorterOrLongerThanItsShapeIsRefused() throws {
    let file = try NPY.encode(samples[0].1)
    #expect(throws: ArrayFileError.wrongByteCount(file: "x", member: "x", expected: 24, found: 23)) {
      try NPY.decode(file.dropLast(), file: "x")
    }
    #expect(throws: ArrayFileError.wrongByteCount(file: "x", member: "x", expected: 24, found: 25)) {
      try NPY.decode(file + [0], file: "x")
    }
    #expect(throws: ArrayFileError.unsupportedVersion(file: "x", member: "x", version: 9)) {
      try NPY.decode(file[..<6] + [9] + file[7...], file: "x")
    }
    #expect(throws: ArrayFileError.notAnArray(file: "x", member: "x")) { try NPY.decode([], file: "x") }
  }

  @Test func archivesOfOtherThingsAreRefused() throws {
    var writer = ZipWriter(zip64From: ZipWriter.zip64Boundary)
    writer.append(Array("hello".utf8), named: "readme.txt")
    #expect(throws: ArrayFileError.unexpectedMember(file: "x", member: "readme.txt")) {
      try NPZ.decode(writer.finished(), file: "x")
    }
    writer = ZipWriter(zip64From: ZipWriter.zip64Boundary)
    for _ in 0..<2 { writer.append(try NPY.encode(samples[0].1), named: "a.npy") }
    #expect(throws: ArrayFileError.duplicateMember(file: "x", member: "a")) { try NPZ.decode(writer.finished(), file: "x") }
    #expect(throws: ArrayFileError.notAnArchive(file: "x")) { try NPZ.decode(Array("hello".utf8), file: "x") }
  }

  @Test func whatCannotBeWrittenIsRefusedBeforeAFileExists() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).npz").path
    let tensor = samples[0].1
    #expect(throws: ArrayFileError.duplicateName("a")) { try NPZ.write([("a", tensor), ("a", tensor)], to: path) }
    #expect(throws: ArrayFileError.invalidName("")) { try NPZ.write([("", tensor)], to: path) }
    let large = HostTensor(TensorType(.int32, [2]), .integer([0, 1 << 31]))
    #expect(throws: ArrayFileError.integerOutOfRange(name: "n", index: 1, value: 1 << 31)) {
      try NPZ.write([("n", large)], to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func aFileThatIsNotThereIsNamed() {
    let error = #expect(throws: ArrayFileError.self) { try NPZ.read(path: "/nowhere/a.npz") }
    #expect(error?.description == "cannot read '/nowhere/a.npz': No such file or directory")
    let directory = #expect(throws: ArrayFileError.self) { try NPZ.read(path: "/") }
    #expect(directory?.description == "cannot read '/': it is not a regular file")
  }
}
