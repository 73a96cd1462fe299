internal import CofferCrypto
internal import CofferShapes
internal import CofferTrail
internal import GRDB

extension AWSError {
    /// What a caller may see of an error met in the key store, the trail or libcrypto: a sentence, and no
    /// SQL, values or key bytes.
    init(meeting error: any Error) {
        switch error {
        case let error as DatabaseError: self.init(database: error)
        case is RowDecodingError:
            self.init(.damaged, "the key store has a value of a wrong kind", hint: Self.restoreHint)
        case is CryptoError: self.init(.kmsInternal, "libcrypto refused to work")
        default: self.init(trail: error)
        }
    }

    private init(database error: DatabaseError) {
        switch error.extendedResultCode {
        // The write-ahead log's index cannot grow: the same, met while opening.
        case .SQLITE_FULL, .SQLITE_IOERR_SHMSIZE:
            self.init(
                .storageFull,
                "the key store cannot grow: its filesystem is full",
                hint: "make room, then try again"
            )
            return
        default: break
        }
        switch error.resultCode.primaryResultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            self.init(.damaged, "the key store is damaged", hint: Self.restoreHint)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.kmsInternal, "another process has held the key store for too long")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH:
            self.init(.kmsInternal, "the key store cannot be written by this user")
        default:
            self.init(
                .kmsInternal,
                "the key store failed (SQLite result \(error.extendedResultCode.rawValue))"
            )
        }
    }

    private static let restoreHint = "put kms/keys.sqlite back from a backup"
}
