internal import CofferShapes
internal import GRDB
internal import Synchronization

/// What the store held when it was last read, checked against the store's version at each call: a change by
/// any process counts in the next call of every other.
final class KeyCache: Sendable {
    private struct Contents {
        var version: StoreWatch.Version?
        var keys: [KeyPlace: LoadedKey] = [:]
        /// What was known at the version before: its unwrapped materials are taken over where they still hold.
        var older: [KeyPlace: LoadedKey] = [:]
        var aliases: [AliasPlace: KeyID] = [:]
        var nextDue: Timestamp?
    }

    private struct AliasPlace: Hashable {
        let region: Region
        let name: AliasName
    }

    private let store: KeyStore
    private let account: AccountID
    private let watch: StoreWatch
    private let contents = Mutex(Contents())

    init(store: KeyStore, account: AccountID) throws {
        self.store = store
        self.account = account
        watch = try StoreWatch(store.reader)
    }

    /// Forgets what is no longer true; gives when work next falls due by itself.
    func refresh() throws -> Timestamp? {
        try contents.withLock { contents in
            // Taken before anything is read: what is committed meanwhile shows as a change at the next call.
            let version = watch.version
            guard version != contents.version else { return contents.nextDue }
            contents.older = contents.keys
            contents.keys.removeAll(keepingCapacity: true)
            contents.aliases.removeAll(keepingCapacity: true)
            contents.nextDue = try store.reader.read { try KeyRecords(database: $0).nextDue() }
            contents.version = version
            return contents.nextDue
        }
    }

    func key(_ place: KeyPlace) throws -> LoadedKey? {
        try contents.withLock { contents in
            if let known = contents.keys[place] { return known }
            let loaded = try store.reader.read { database in
                try LoadedKey(place, account: account, KeyRecords(database: database))
            }
            if let loaded {
                if let older = contents.older.removeValue(forKey: place) { loaded.adopt(older) }
                contents.keys[place] = loaded
            }
            return loaded
        }
    }

    /// The key that an alias points to.
    func target(of name: AliasName, in region: Region) throws -> KeyID? {
        try contents.withLock { contents in
            let place = AliasPlace(region: region, name: name)
            if let known = contents.aliases[place] { return known }
            let target = try store.reader.read { database in
                try KeyRecords(database: database).alias(name, in: region)?.target
            }
            // Names that are not there are not kept: there is no end of them.
            if let target { contents.aliases[place] = target }
            return target
        }
    }

    /// Reads what the cache does not hold, such as lists.
    func read<Answer>(_ body: (KeyRecords) throws -> Answer) throws -> Answer {
        try store.reader.read { try body(KeyRecords(database: $0)) }
    }
}
