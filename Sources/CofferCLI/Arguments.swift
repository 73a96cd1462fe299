public import ArgumentParser
public import CofferControl
public import CofferEBS
public import CofferKMS
public import CofferShapes
internal import Foundation

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
