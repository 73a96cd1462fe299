internal import CPKCS11
internal import CofferShapes

/// One attribute of a key that is made or looked for.
enum Attribute {
    case flag(CK_ATTRIBUTE_TYPE, Bool)
    case number(CK_ATTRIBUTE_TYPE, CK_ULONG)
    case bytes(CK_ATTRIBUTE_TYPE, [UInt8])

    private var type: CK_ATTRIBUTE_TYPE {
        switch self {
        case .flag(let type, _), .number(let type, _), .bytes(let type, _): type
        }
    }

    /// The value as the module reads it, in this machine's byte order.
    private var value: [UInt8] {
        switch self {
        case .flag(_, let isSet): [isSet ? 1 : 0]
        case .number(_, let number): unsafe withUnsafeBytes(of: number) { unsafe [UInt8]($0) }
        case .bytes(_, let bytes): bytes
        }
    }

    /// Lends the attributes as the array that a module wants, for the length of `body`.
    static func withTemplate<Result>(
        _ attributes: [Attribute],
        _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>, CK_ULONG) throws(HardwareTokenError) -> Result
    ) throws(HardwareTokenError) -> Result {
        precondition(!attributes.isEmpty, "a template has attributes")
        // Each value begins at a whole word, because modules read numbers in place.
        let word = MemoryLayout<UInt64>.size
        let values = attributes.map(\.value)
        var words = [UInt64](repeating: 0, count: values.reduce(1) { $0 + ($1.count + word - 1) / word })
        return unsafe try words.withUnsafeMutableBufferPointer { (room) throws(HardwareTokenError) in
            // Not empty: one word more than the values take.
            var place = UnsafeMutableRawPointer(room.baseAddress!)
            var template = unsafe [CK_ATTRIBUTE]()
            for (attribute, value) in zip(attributes, values) {
                unsafe place.copyMemory(from: value, byteCount: value.count)
                unsafe template.append(
                    CK_ATTRIBUTE(type: attribute.type, pValue: place, ulValueLen: CK_ULONG(value.count))
                )
                unsafe place += (value.count + word - 1) / word * word
            }
            return unsafe try template.withUnsafeMutableBufferPointer { (list) throws(HardwareTokenError) in
                unsafe try body(list.baseAddress!, CK_ULONG(list.count))
            }
        }
    }
}
