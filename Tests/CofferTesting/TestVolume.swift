public import CofferBlock
internal import CofferControl
public import CofferSecrets
internal import CofferShapes
public import CofferXTS
internal import Glibc

/// A volume without a header: a known key, a geometry, and a backing file in a folder of its own. What a daemon or a
/// data path needs, and nothing that another room makes.
public final class TestVolume: Sendable {
    public let folder: String
    public let geometry: Geometry
    /// 64 bytes, known to the test.
    public let volumeKey: [UInt8]
    public let salt: [UInt8]
    public let uuid: [UInt8]
    public let backingPath: String

    /// Makes the backing file, sparse, in `parent`. The folder is removed with the volume.
    public init(bytes: UInt64, dataUnitBytes: Int = 4096, seed: UInt64 = 1, in parent: String = "/tmp") throws
    {
        guard
            let geometry = Geometry(volumeBytes: bytes, dataUnitBytes: dataUnitBytes, cipher: .aes256XTS)
        else { throw RawFile.Failure(errno: EINVAL) }
        var generator = SeededGenerator(seed: seed)
        self.geometry = geometry
        volumeKey = generator.bytes(64)
        salt = generator.bytes(32)
        uuid = generator.bytes(16)
        var template = Array("\(parent)/coffer-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw RawFile.Failure(errno: errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        backingPath = "\(folder)/backing"
        try RawFile(backingPath, O_RDWR | O_CREAT | O_EXCL).truncate(Int(geometry.storeBytes))
    }

    deinit {
        for name in ["backing", "log", "socket", "mount"] { unsafe remove("\(folder)/\(name)") }
        unsafe rmdir(folder)
    }

    /// The key of the data, as the daemon derives it.
    public func xtsKey() throws -> SecretBytes {
        guard let key = VolumeKey(SecretBytes(copying: volumeKey)) else {
            throw RawFile.Failure(errno: EINVAL)
        }
        return try key.xtsKey(geometry.cipher, dataUnitBytes: geometry.dataUnitBytes, salt: salt, uuid: uuid)
    }

    public func cipher() throws -> XTSCipher { try XTSCipher(key: xtsKey()) }

    /// The volume's content as the backing file has it, decrypted here: a hole where a unit is all zero.
    public func decryptBacking() throws -> [UInt8] {
        let cipher = try cipher()
        let unit = geometry.dataUnitBytes
        let file = try RawFile(backingPath, O_RDONLY)
        let count = Int(geometry.volumeBytes)
        var content = try file.read(count, at: Int(geometry.dataOffset))
        content += [UInt8](repeating: 0, count: count - content.count)
        for start in stride(from: 0, to: count, by: unit)
        where content[start..<start + unit].contains(where: { $0 != 0 }) {
            var part = Array(content[start..<start + unit])
            var elements = part.mutableSpan
            var span = unsafe elements.mutableBytes
            try cipher.decrypt(&span, first: UInt64(start / unit), unitBytes: unit)
            content.replaceSubrange(start..<start + unit, with: part)
        }
        return content
    }
}
