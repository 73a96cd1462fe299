/// Places of the header's parts, bytes.
enum HeaderLayout {
    static let copyBytes = 32768
    static let copyOffsets: [UInt64] = [0, 65536]
}
