public import ArgumentParser
public import CofferControl
public import CofferEBS
public import CofferKMS
public import CofferShapes
internal import Foundation

/// A size such as `10GiB`, `512M` or `1048576`. Units are powers of 1024, whether written K, KiB or KB.
struct ByteCount: ExpressibleByArgument, Equatable {
    let bytes: UInt64

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        let shift: UInt64
        switch argument.dropFirst(digits.count).lowercased() {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    /// A size for people: `10 GiB`, `1.5 MiB`.
    static func text(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() ? "\(Int(rounded)) \(unit)" : "\(rounded) \(unit)"
    }
}

/// A pair of an encryption context, `name=value`.
struct ContextPair: ExpressibleByArgument {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

extension [ContextPair] {
    /// The context of all pairs; ValidationException for a name given twice.
    func context() throws -> EncryptionContext {
        var pairs: [String: String] = [:]
        for pair in self where pairs.updateValue(pair.value, forKey: pair.name) != nil {
            throw AWSError(.validation, "the encryption context names '\(pair.name)' twice")
        }
        return EncryptionContext(pairs)
    }
}

extension FilesystemKind: ExpressibleByArgument {}
extension BackingIO: ExpressibleByArgument {}

extension SealKind: ExpressibleByArgument {}

extension VolumeType: ExpressibleByArgument {}
