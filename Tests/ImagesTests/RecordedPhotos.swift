// Written by tools/references/images.py.

enum RecordedPhotos {
  /// FNV-1a of a photo's pixels; of shorter side 256, bicubic, cropped to 224; of 224 x 224, bilinear.
  static let fingerprints: [(file: String, decoded: UInt64, cropped: UInt64, exact: UInt64)] = [
    ("n01440764/ILSVRC2012_val_00002138.JPEG", 0xae55549732c9d1c4, 0xa165a4c9115dafbb, 0x0af7d7ebb3de1068),
    ("n02110185/ILSVRC2012_val_00000993.JPEG", 0x2da3256dea059795, 0x467166080242d5a1, 0x30e641658b92832e),
    ("n03042490/ILSVRC2012_val_00002025.JPEG", 0x13e674122d943be8, 0x28c1a9e53c48c4f0, 0xf297629d40ab3bc9),
    ("n04033995/ILSVRC2012_val_00000260.JPEG", 0xa1ab503b976dc584, 0x926f77cbb0fd6558, 0xc0bf9eae97610571),
  ]
}
