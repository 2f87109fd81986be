import Files

/// Why a file of arrays could not be read or written. `file` is its path or the name given with the bytes.
public enum ArrayFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  case notAnArchive(file: String)
  case damagedArchive(file: String, part: String, offset: Int)
  case splitArchive(file: String)
  case unsupportedMember(file: String, member: String, feature: String)
  case unexpectedMember(file: String, member: String)
  case duplicateMember(file: String, member: String)
  case damagedMember(file: String, member: String)
  case notAnArray(file: String, member: String)
  case unsupportedVersion(file: String, member: String, version: Int)
  case malformedHeader(file: String, member: String, expected: String, found: String)
  case unsupportedElement(file: String, member: String, descr: String)
  case wrongByteCount(file: String, member: String, expected: Int, found: Int)
  case tooLarge(file: String, bytes: Int, limit: Int)
  case invalidName(String)
  case duplicateName(String)
  case integerOutOfRange(name: String, index: Int, value: Int64)
  case notSafetensors(file: String, reason: String)
  case unwritable(AtomicFileError)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "cannot read '\(file)': \(reason)"
    case .notAnArchive(let file):
      "'\(file)' is not an npz file: no zip directory at its end (empty, truncated, or another format)"
    case .damagedArchive(let file, let part, let offset):
      "'\(file)' is damaged: the \(part) at byte \(offset) does not fit the file"
    case .splitArchive(let file):
      "'\(file)' is one part of a zip archive that is split over several files; whole archives are read"
    case .unsupportedMember(let file, let member, let feature):
      "'\(file)': member '\(member)' uses \(feature); stored and deflated npy members are read"
    case .unexpectedMember(let file, let member):
      "'\(file)' holds '\(member)'; an npz file holds nothing but arrays named like 'x.npy'"
    case .duplicateMember(let file, let member):
      "'\(file)' holds more than one array named '\(member)'"
    case .damagedMember(let file, let member):
      "'\(file)' is damaged: the bytes of array '\(member)' do not match their checksum and size"
    case .notAnArray(let file, let member):
      "'\(file)': '\(member)' is not an npy array: it does not begin with \\x93NUMPY"
    case .unsupportedVersion(let file, let member, let version):
      "'\(file)': array '\(member)' has npy version \(version); versions 1, 2 and 3 are read"
    case .malformedHeader(let file, let member, let expected, let found):
      "'\(file)': the npy header of '\(member)' has \(found) where \(expected) belongs"
    case .unsupportedElement(let file, let member, let descr):
      "'\(file)': array '\(member)' has elements \(descr); <f4, <f8, <i4, <i8 and |b1 are read"
    case .wrongByteCount(let file, let member, let expected, let found):
      "'\(file)': array '\(member)' holds \(found) bytes of elements where its shape asks for \(expected)"
    case .tooLarge(let file, let bytes, let limit):
      "'\(file)' unpacks to \(bytes) bytes, more than the limit of \(limit)"
    case .invalidName(let name):
      "'\(name)' cannot name an array in a file: 1 to 1000 bytes without a zero byte are accepted"
    case .duplicateName(let name):
      "two arrays named '\(name)' cannot go into one file"
    case .integerOutOfRange(let name, let index, let value):
      "element \(index) of '\(name)' is \(value), which does not fit i32"
    case .notSafetensors(let file, let reason):
      "'\(file)' is no safetensors file that can be read: \(reason)"
    case .unwritable(let error):
      error.description
    }
  }
}

/// The bytes of an array file.
func readArrayFile(_ path: String, limit: Int) throws(ArrayFileError) -> [UInt8] {
  do { return try WholeFile.read(path, limit: limit) } catch {
    if case .tooLarge(let byteCount, let limit) = error { throw .tooLarge(file: path, bytes: byteCount, limit: limit) }
    throw .unreadable(file: path, reason: error.description)
  }
}
