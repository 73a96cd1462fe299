internal import CofferShapes
internal import GRDB

extension KeyStore {
    /// Whether the key store of a home's `kms` folder has a key of this id, in whichever region. Needs no root key.
    static func holds(_ id: KeyID, in folder: String) throws -> Bool {
        guard AtomicFile.exists(fileName, in: folder) else { return false }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let reader = try DatabaseQueue(path: "\(folder)/\(fileName)", configuration: configuration)
        return try reader.read { database in
            // A first opening that was interrupted leaves a store without tables.
            guard try database.tableExists("kms_key") else { return false }
            return try !KeyRecords(database: database).regions(of: id).isEmpty
        }
    }
}
