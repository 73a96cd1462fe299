internal import CofferShapes
internal import GRDB

/// Care for any of a home's databases while others use it.
package enum HomeDatabase {
    /// Copies the database at `path` as it is at one moment into the empty file `copy`, which then holds all of it and
    /// needs no journal. Others may read and write meanwhile. (SQLite, "Online Backup API".)
    package static func copy(_ path: String, to copy: String) throws {
        try translating(path) {
            let source = try DatabaseQueue(path: path, configuration: configuration(readOnly: true))
            let target = try DatabaseQueue(path: copy, configuration: configuration(readOnly: false))
            try source.backup(to: target)
            try target.close()
            try source.close()
        }
    }

    /// What SQLite finds wrong in the database at `path`; empty where it is whole. (SQLite, "PRAGMA integrity_check".)
    package static func problems(_ path: String) throws -> [String] {
        try translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: configuration(readOnly: true))
            let lines = try queue.read { database in
                try String.fetchAll(database, sql: "PRAGMA integrity_check")
                    + Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { _ in
                        "a row refers to one that is not there"
                    }
            }
            try queue.close()
            return lines.filter { $0 != "ok" }
        }
    }

    private static func configuration(readOnly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(10)
        return configuration
    }

    private static func translating<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            let words = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_FULL: throw AWSError(.storageFull, "no room to copy \(path)")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw AWSError(.damaged, "\(path) is damaged: \(words)")
            default: throw AWSError(.internalError, "cannot read \(path): \(words)")
            }
        }
    }
}
