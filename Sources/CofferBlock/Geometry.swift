/// Where a volume's data lies in its store and how it is cut into data units. Bytes, but where a name says otherwise.
public struct Geometry: Sendable, Equatable {
    /// The size that a user sees; a whole number of data units, at most 64 TiB.
    public let volumeBytes: UInt64
    /// Where the data begins in the store; a multiple of 1 MiB.
    public let dataOffset: UInt64
    /// 512 or 4096.
    public let dataUnitBytes: Int
    public let cipher: Cipher

    public static let maximumVolumeBytes: UInt64 = 64 << 40
    public static let dataOffsetAlignment: UInt64 = 1 << 20

    /// The ciphers of the format, by their number on disk. There is no null cipher.
    public enum Cipher: UInt32, Sendable, CaseIterable {
        case aes256XTS = 1
        case aes128XTS = 2

        /// Length of key 1 and key 2 together, bytes.
        public var keyBytes: Int { self == .aes256XTS ? 64 : 32 }

        public var name: String { self == .aes256XTS ? "aes-256-xts" : "aes-128-xts" }
    }

    /// nil for anything that the format does not allow.
    public init?(
        volumeBytes: UInt64,
        dataOffset: UInt64 = Geometry.dataOffsetAlignment,
        dataUnitBytes: Int,
        cipher: Cipher
    ) {
        guard dataUnitBytes == 512 || dataUnitBytes == 4096,
            volumeBytes > 0, volumeBytes <= Self.maximumVolumeBytes,
            volumeBytes.isMultiple(of: UInt64(dataUnitBytes)),
            dataOffset >= Self.dataOffsetAlignment, dataOffset.isMultiple(of: Self.dataOffsetAlignment),
            dataOffset <= Self.maximumVolumeBytes
        else { return nil }
        (self.volumeBytes, self.dataOffset) = (volumeBytes, dataOffset)
        (self.dataUnitBytes, self.cipher) = (dataUnitBytes, cipher)
    }

    /// The same with another size; nil for a smaller one, or one that the format does not allow.
    func grown(toBytes count: UInt64) -> Geometry? {
        guard count >= volumeBytes else { return nil }
        return Geometry(
            volumeBytes: count,
            dataOffset: dataOffset,
            dataUnitBytes: dataUnitBytes,
            cipher: cipher
        )
    }

    /// The store's size that holds all of it.
    public var storeBytes: UInt64 { dataOffset + volumeBytes }
}
