internal import CofferCatalog
internal import Glibc

/// Whether a home's databases are whole, by SQLite's own checks. They need no key.
public enum HomeCheck {
    public struct Finding: Sendable, Equatable {
        /// `catalog.sqlite` or `kms/keys.sqlite`.
        public let file: String
        /// What is wrong; empty where nothing is.
        public let problems: [String]
    }

    /// One finding for each database that is there.
    public static func databases(home: String) throws -> [Finding] {
        try [HomeMember.catalog, HomeMember.keys].compactMap { name in
            let path = "\(home)/\(name)"
            guard unsafe access(path, F_OK) == 0 else { return nil }
            return Finding(file: name, problems: try HomeDatabase.problems(path))
        }
    }
}
