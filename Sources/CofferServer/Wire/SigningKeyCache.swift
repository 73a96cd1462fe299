internal import CofferSigV4
internal import Synchronization

/// Signing keys that have verified a request, by access key and scope: deriving one costs more than all the rest of a
/// request. They lie in locked memory (`SigningKey`), which is scarce, and so there are only so many.
final class SigningKeyCache: Sendable {
    private struct Name: Hashable {
        let accessKeyID: String
        let scope: CredentialScope
    }

    private let capacity: Int
    private let keys = Mutex<[Name: SigningKey]>([:])

    init(capacity: Int = 256) { self.capacity = capacity }

    func key(of accessKeyID: String, _ scope: CredentialScope) -> SigningKey? {
        keys.withLock { $0[Name(accessKeyID: accessKeyID, scope: scope)] }
    }

    /// Keeps a key **that has verified a signature**: strangers cannot push the keys of others out with scopes that they
    /// make up.
    func insert(_ key: SigningKey, of accessKeyID: String) {
        keys.withLock { keys in
            if keys.count >= capacity {
                // Yesterday's keys are of no use to anybody; failing those, any one makes room.
                keys = keys.filter { $0.key.scope.day >= key.scope.day }
                if keys.count >= capacity, let victim = keys.keys.randomElement() { keys[victim] = nil }
            }
            keys[Name(accessKeyID: accessKeyID, scope: key.scope)] = key
        }
    }

    var count: Int { keys.withLock(\.count) }
}
