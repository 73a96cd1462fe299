internal import CofferShapes
internal import GRDB

/// What people and requests name by id or by name.
enum NamedResource: String {
    case volume, snapshot

    var idPrefix: String { self == .volume ? "vol-" : "snap-" }
    var notFound: AWSError.Code { self == .volume ? .volumeNotFound : .snapshotNotFound }
}

extension Catalog {
    /// The one of `all` that `reference` names: the beginning of an id that is one's alone, or a name. What looks like an
    /// id is never a name: a tag cannot hide a resource.
    static func only<Record>(
        _ reference: String,
        _ kind: NamedResource,
        among all: [Record],
        _ identity: (Record) -> (id: String, name: String?)
    ) throws -> Record {
        let isID = reference.hasPrefix(kind.idPrefix)
        let matches = all.filter { record in
            let (id, name) = identity(record)
            return isID ? id.hasPrefix(reference) : name == reference
        }
        guard let only = matches.first else {
            throw AWSError(
                kind.notFound,
                "The \(kind) '\(reference)' does not exist.",
                hint: "see the \(kind)s with `coffer \(kind) ls`"
            )
        }
        guard matches.count == 1 else {
            throw AWSError(
                .invalidParameterValue,
                isID
                    ? "'\(reference)' is the beginning of \(matches.count) \(kind) ids: give more of it"
                    : "\(matches.count) \(kind)s are named '\(reference)': name the one meant by its id"
            )
        }
        return only
    }

    /// InvalidParameterValue where a resource of the kind has that name already.
    static func requireUnused(_ name: String, among kind: NamedResource, in database: Database) throws {
        let taken = try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM tag JOIN \(kind.rawValue) AS resource ON resource.id = tag.resource
                WHERE key = ? AND value = ?
                """,
            arguments: [VolumeRecord.nameTag, name]
        )
        guard taken == 0 else {
            throw AWSError(.invalidParameterValue, "a \(kind) named \"\(name)\" exists already")
        }
    }
}
