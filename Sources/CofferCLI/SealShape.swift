internal import CofferKMS
internal import CofferShapes

/// What `coffer seal status` says. JSON leaves out what a kind does not have.
struct SealShape: Encodable {
    let Seal: String
    let ProtectsAgainst: String
    let DoesNotProtectAgainst: String
    var Module: String?
    var Token: String?
    var KeyLabel: String?
    var KeyId: String?
    var Endpoint: String?
    var Region: String?

    init(_ state: SealTarget?) {
        Seal = state?.kind.rawValue ?? "none"
        guard let state else {
            ProtectsAgainst = "there is no root key yet: the first command that uses a key makes one"
            DoesNotProtectAgainst = "nothing is protected yet"
            return
        }
        (ProtectsAgainst, DoesNotProtectAgainst) = Self.words(state.kind)
        switch state {
        case .file, .passphrase: break
        case .pkcs11(let module, let token, let keyLabel):
            (Module, Token, KeyLabel) = (module, token, keyLabel)
        case .awsKMS(let key, let endpoint, let region):
            (KeyId, Endpoint, Region) = (key.description, endpoint, region?.name)
        }
    }

    /// For people, a line each.
    var lines: [(label: String, value: String)] {
        let places = [
            ("Module", Module), ("Token", Token), ("Key label", KeyLabel), ("Key", KeyId),
            ("Endpoint", Endpoint),
            ("Region", Region),
        ]
        return [("Seal", Seal)] + places.compactMap { label, value in value.map { (label, $0) } } + [
            ("Protects against", ProtectsAgainst), ("Not against", DoesNotProtectAgainst),
        ]
    }

    private static func words(_ kind: SealKind) -> (against: String, notAgainst: String) {
        switch kind {
        case .file:
            (
                "whoever has volumes without the home, and other users of this machine",
                "whoever reads the whole home: the root key lies in kms/root.key, readable by its owner alone"
            )
        case .passphrase:
            (
                "whoever has the whole home and cannot guess the passphrase (scrypt makes each guess costly)",
                "a passphrase that can be guessed, and whoever is root here while a command uses the root key"
            )
        case .pkcs11:
            (
                "whoever has the whole home without the token and its PIN",
                "whoever has home, token and PIN at once, and whoever is root here while a command uses the root key"
            )
        case .awsKMS:
            (
                "whoever has the whole home and no access key that the KMS lets decrypt; disabling the KMS key shuts it",
                "whoever has home and access key at once, and whoever is root here while a command uses the root key"
            )
        }
    }
}
