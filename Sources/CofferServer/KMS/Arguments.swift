internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes

/// A validated body's members by name, each as what it stands for. null counts as absent.
///
/// `required…` throw for what is missing, and never do for a member that the operation's table requires: the body has
/// been checked against it.
struct Arguments {
    private let body: JSONValue
    /// What the body was parsed from.
    private let bytes: [UInt8]

    init(_ body: JSONValue, of bytes: [UInt8]) { (self.body, self.bytes) = (body, bytes) }

    private func value(_ name: String) -> JSONValue? {
        guard let value = body[name], !value.isNull else { return nil }
        return value
    }

    private func missing(_ name: String) -> AWSError {
        AWSError(.validation, "the member \(name) is missing")
    }

    // MARK: - Plain values

    func text(_ name: String) -> String? { value(name)?.string }

    func requiredText(_ name: String) throws(AWSError) -> String {
        guard let text = text(name) else { throw missing(name) }
        return text
    }

    func integer(_ name: String) -> Int? {
        guard let value = value(name) else { return nil }
        // Within its range, which is checked, a number with a fraction is cut off.
        return value.integer ?? value.double.flatMap { Int(exactly: $0.rounded(.towardZero)) }
    }

    func flag(_ name: String) -> Bool { value(name)?.bool ?? false }

    func time(_ name: String) throws(AWSError) -> Timestamp? {
        guard let seconds = value(name)?.double else { return nil }
        // Up to the year 9999: what is beyond would not fit a moment's nanoseconds.
        guard (0...253_402_300_799).contains(seconds),
            let nanoseconds = UInt64(exactly: (seconds * 1000).rounded()),
            !nanoseconds.multipliedReportingOverflow(by: 1_000_000).overflow
        else { throw AWSError(.validation, "\(name) is out of range") }
        return Timestamp(nanoseconds: nanoseconds * 1_000_000)
    }

    func choice<Choice: RawRepresentable<String>>(
        _ name: String,
        _ type: Choice.Type = Choice.self
    ) -> Choice? {
        text(name).flatMap(Choice.init)
    }

    func requiredChoice<Choice: RawRepresentable<String>>(
        _ name: String,
        _ type: Choice.Type = Choice.self
    ) throws(AWSError) -> Choice {
        guard let choice = choice(name, type) else { throw missing(name) }
        return choice
    }

    // MARK: - Bytes

    func bytes(_ name: String) throws(AWSError) -> [UInt8]? {
        guard let value = value(name) else { return nil }
        do { return try value.base64() } catch { throw .unreadable(value, as: "Blob") }
    }

    func requiredBytes(_ name: String) throws(AWSError) -> [UInt8] {
        guard let bytes = try bytes(name) else { throw missing(name) }
        return bytes
    }

    /// Bytes that may be secret, from the body straight into locked memory.
    func requiredSecret(_ name: String) throws(AWSError) -> SecretBytes {
        guard let value = value(name) else { throw missing(name) }
        do { return try value.secretBase64() } catch { throw .unreadable(value, as: "Blob") }
    }

    func ciphertext(_ name: String) throws(AWSError) -> CiphertextBlob {
        guard let bytes = try bytes(name) else {
            throw AWSError(
                .validation,
                "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
                    + "Member must not be null"
            )
        }
        return CiphertextBlob(bytes)
    }

    // MARK: - Words of KMS

    func key(_ name: String = "KeyId") throws(AWSError) -> KeyReference {
        KeyReference(try requiredText(name))
    }

    func optionalKey(_ name: String) -> KeyReference? { text(name).map { KeyReference($0) } }

    func context(_ name: String = "EncryptionContext") -> EncryptionContext {
        optionalContext(name) ?? EncryptionContext()
    }

    private func optionalContext(_ name: String) -> EncryptionContext? {
        guard let members = value(name)?.members else { return nil }
        var pairs: [String: String] = [:]
        // Names are unique in a JSON object, and that the values are strings has been checked.
        for member in members { pairs[member.name] = member.value.string }
        return EncryptionContext(pairs)
    }

    var grantTokens: [String] { texts("GrantTokens") }

    var use: KeyUse {
        guard value("GrantTokens") != nil || value("DryRun") != nil else { return KeyUse() }
        return KeyUse(grantTokens: grantTokens, isDryRun: flag("DryRun"))
    }

    var page: Page { Page(limit: integer("Limit"), marker: text("Marker")) }

    func texts(_ name: String) -> [String] { value(name)?.elements?.compactMap(\.string) ?? [] }

    var tags: [Tag] {
        value("Tags")?.elements?.compactMap { element in
            guard let key = element["TagKey"]?.string, let value = element["TagValue"]?.string else {
                return nil
            }
            return Tag(key: key, value: value)
        } ?? []
    }

    var grantConstraints: GrantConstraints? {
        guard let value = value("Constraints") else { return nil }
        let constraints = Arguments(value, of: bytes)
        return GrantConstraints(
            subset: constraints.optionalContext("EncryptionContextSubset"),
            equals: constraints.optionalContext("EncryptionContextEquals")
        )
    }

    /// Refuses what asks for an answer that only a Nitro enclave can read.
    func refuseRecipient() throws(AWSError) {
        guard value("Recipient") == nil else {
            throw AWSError(.validation, "Recipient is not supported: there are no Nitro enclaves here.")
        }
    }

    /// The text of a member, such as a PIN, from the body straight into locked memory; nil where it is absent.
    func secretText(_ name: String) throws(AWSError) -> SecretBytes? {
        guard let value = value(name), value.kind == .string, !value.range.isEmpty else { return nil }
        let escapes = try escapeCount(value)
        return SecretBytes(count: value.range.count - escapes) { span in
            var (at, isEscaped) = (0, false)
            for byte in bytes[value.range] {
                if byte == UInt8(ascii: "\\"), !isEscaped {
                    isEscaped = true
                    continue
                }
                span.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
                (at, isEscaped) = (at + 1, false)
            }
        }
    }

    /// How many escapes there are, all of them a backslash before a quote, a backslash or a slash.
    private func escapeCount(_ value: JSONValue) throws(AWSError) -> Int {
        var (count, isEscaped) = (0, false)
        for byte in bytes[value.range] {
            if isEscaped {
                guard [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/")].contains(byte) else {
                    throw AWSError(.validation, "a password with control characters is not supported")
                }
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                (count, isEscaped) = (count + 1, true)
            }
        }
        return count
    }
}
