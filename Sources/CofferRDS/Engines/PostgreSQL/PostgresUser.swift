internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// The user as whom PostgreSQL runs: it refuses root, so root has it run as the user that its package makes.
struct PostgresUser: Sendable {
    let id: uid_t
    let group: gid_t
    /// Who administers the database: this process's user, by the name that PostgreSQL sees.
    let administrator: String
    private let isOther: Bool

    static let name = "postgres"

    static func find() throws -> PostgresUser {
        let own = geteuid()
        guard let entry = unsafe getpwuid(own) else {
            throw AWSError(.missingRequirement, "the user \(own) of this process has no name")
        }
        let administrator = unsafe String(cString: entry.pointee.pw_name)
        guard own == 0 else {
            return PostgresUser(id: own, group: getegid(), administrator: administrator, isOther: false)
        }
        guard let entry = unsafe getpwnam(name), unsafe entry.pointee.pw_uid != 0 else {
            throw AWSError(
                .missingRequirement,
                "PostgreSQL does not run as root, and there is no user \(name)",
                hint: "install it with `apt install postgresql`, which makes one"
            )
        }
        return unsafe PostgresUser(
            id: entry.pointee.pw_uid,
            group: entry.pointee.pw_gid,
            administrator: administrator,
            isOther: true
        )
    }

    /// The command that runs a program as this user, with no other group, and with no way to more.
    func command(_ program: String, _ arguments: [String]) throws -> (program: String, arguments: [String]) {
        guard isOther else { return (program, arguments) }
        guard let setpriv = ChildProcess.find("setpriv") else {
            throw AWSError(
                .missingRequirement,
                "the program setpriv is not installed",
                hint: "install it with `apt install util-linux`"
            )
        }
        let options = [
            "--reuid=\(id)", "--regid=\(group)", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all", "--",
        ]
        return (setpriv, options + [program] + arguments)
    }

    /// Gives a file or folder to this user.
    func own(_ path: String) throws {
        guard isOther else { return }
        guard unsafe lchown(path, id, group) == 0 else {
            throw AWSError(.internalError, "cannot give \(path) to \(Self.name): \(SystemError.text(errno))")
        }
    }

    func own(descriptor: Int32, of path: String) throws {
        guard isOther else { return }
        guard fchown(descriptor, id, group) == 0 else {
            throw AWSError(.internalError, "cannot give \(path) to \(Self.name): \(SystemError.text(errno))")
        }
    }

    /// Gives all of a folder to this user, where it is another's: a volume that comes from a machine where the user has
    /// another number.
    func ownAll(_ folder: String) async throws {
        var status = stat()
        guard isOther, unsafe lstat(folder, &status) == 0, status.st_uid != id else { return }
        let outcome = try await ChildProcess.run(
            "chown",
            ["--recursive", "--no-dereference", "\(id):\(group)", "--", folder],
            limitSeconds: nil
        )
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "cannot give \(folder) to \(Self.name): \(outcome.errors.prefix(200))"
            )
        }
    }

    /// Makes a folder in which this user may make files, and remove none but its own: whoever runs as this user can put
    /// nothing in the place of what Coffer reads and writes there.
    func makeSharedFolder(_ path: String) throws {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw AWSError(.internalError, "cannot make the folder \(path): \(SystemError.text(errno))")
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid(),
            unsafe lchown(path, geteuid(), group) == 0, unsafe chmod(path, isOther ? 0o1770 : 0o700) == 0
        else {
            throw AWSError(.accessDenied, "the folder \(path) is not this user's own")
        }
    }
}
