internal import CPKCS11
internal import CofferShapes

/// Which token is meant: its label finds it, and its serial number tells it from another that took its slot and label.
struct TokenIdentity: Equatable {
    /// UTF-8, padded with spaces to 32 bytes.
    let label: [UInt8]
    let serialNumber: [UInt8]

    private static let labelCount = 32

    /// A label as tokens hold it, or nil for one that no token can have.
    static func paddedLabel(_ label: String) -> [UInt8]? {
        let bytes = Array(label.utf8)
        guard (1...labelCount).contains(bytes.count) else { return nil }
        return bytes + [UInt8](repeating: UInt8(ascii: " "), count: labelCount - bytes.count)
    }
}

extension Module {
    /// More slots than any module has: beyond it, its count is not believed.
    private static let maximumSlots = 4096

    /// The slot of the one token with this label.
    func find(
        tokenLabel: String
    ) throws(HardwareTokenError) -> (slot: CK_SLOT_ID, identity: TokenIdentity) {
        guard let label = TokenIdentity.paddedLabel(tokenLabel) else { throw .tokenNotFound(tokenLabel) }
        let found = try tokens().filter { $0.identity.label == label }
        guard let token = found.first else { throw .tokenNotFound(tokenLabel) }
        guard found.count == 1 else {
            throw .unsupported("several tokens are labelled \"\(tokenLabel)\": rename all but one")
        }
        return token
    }

    /// Where a token that was open is now. Throws `.gone` where it is not.
    func slot(of identity: TokenIdentity) throws(HardwareTokenError) -> CK_SLOT_ID {
        guard let token = try tokens().first(where: { $0.identity == identity }) else { throw .gone }
        return token.slot
    }

    /// The token in a slot, nil where there is none that answers.
    func token(in slot: CK_SLOT_ID) -> TokenIdentity? {
        var info = CK_TOKEN_INFO()
        guard unsafe functions.C_GetTokenInfo(slot, &info) == CKR_OK else { return nil }
        return TokenIdentity(
            label: unsafe withUnsafeBytes(of: info.label) { unsafe [UInt8]($0) },
            serialNumber: unsafe withUnsafeBytes(of: info.serialNumber) { unsafe [UInt8]($0) }
        )
    }

    /// Throws unless the token makes AES keys and encrypts with AES-GCM.
    func requireMechanisms(in slot: CK_SLOT_ID) throws(HardwareTokenError) {
        try require(CKM_AES_KEY_GEN, CKF_GENERATE, "make AES keys (CKM_AES_KEY_GEN)", in: slot)
        try require(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT, "encrypt with AES-GCM (CKM_AES_GCM)", in: slot)
    }

    private func require(
        _ mechanism: CK_MECHANISM_TYPE,
        _ flags: CK_FLAGS,
        _ words: String,
        in slot: CK_SLOT_ID
    ) throws(HardwareTokenError) {
        var info = CK_MECHANISM_INFO()
        let code = unsafe functions.C_GetMechanismInfo(slot, mechanism, &info)
        if code != CKR_MECHANISM_INVALID { try ReturnCode.check(code, "C_GetMechanismInfo") }
        guard code == CKR_OK, info.flags & flags == flags else {
            throw .unsupported("the token cannot \(words)")
        }
    }

    private func tokens() throws(HardwareTokenError) -> [(slot: CK_SLOT_ID, identity: TokenIdentity)] {
        var count: CK_ULONG = 0
        try ReturnCode.check(unsafe functions.C_GetSlotList(1, nil, &count), "C_GetSlotList")
        guard count <= Self.maximumSlots else { throw .unsupported("the module claims \(count) slots") }
        // Room for tokens that come between the two calls.
        var slots = [CK_SLOT_ID](repeating: 0, count: Int(count) + 16)
        count = CK_ULONG(slots.count)
        try ReturnCode.check(unsafe functions.C_GetSlotList(1, &slots, &count), "C_GetSlotList")
        guard count <= slots.count else { throw .unsupported("the module gave more slots than fit") }
        return slots.prefix(Int(count)).compactMap { slot in
            token(in: slot).map { (slot, $0) }
        }
    }
}
