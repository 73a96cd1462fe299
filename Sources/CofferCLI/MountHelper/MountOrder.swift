internal import CofferControl
internal import CofferEBS

/// What the options of `mount -o` ask for.
struct MountOrder: Equatable {
    var isReadOnly = false
    var isRemount = false
    /// nil: no filesystem is named; a volume that was never formatted gets one.
    var filesystem: FilesystemKind?
    var formats = true
    var keepsDiscardedRoom = false
    var backingIO = BackingIO.auto
    var threads: Int?
    var device: String?
    /// The global options of the command line, by name: home, region and so on.
    var globals: [String: String] = [:]
    /// For the filesystem's own mount.
    var passed: [String] = []

    var home: String? { globals["home"] }
    var globalArguments: [String] {
        globals.sorted { $0.key < $1.key }.flatMap { ["--\($0.key)", $0.value] }
    }

    /// Throws for an option that nobody knows, unless `isSloppy`: one that protects something and is misspelled must not
    /// be passed over.
    init(_ options: [String], isSloppy: Bool = false) throws(MountUsage) {
        for option in options {
            let equals = option.firstIndex(of: "=")
            let name = equals.map { String(option[..<$0]) } ?? option
            let value = equals.map { Self.unquoted(option[option.index(after: $0)...]) }
            if try take(name, value) || Self.isForOthers(name) { continue }
            if Self.generic.contains(name) || Self.filesystems.contains(name) {
                passed.append(option)
            } else if !isSloppy {
                throw MountUsage("the option \(option) is unknown\n" + MountArguments.help)
            }
        }
    }

    func mountOptions(_ type: FilesystemKind?) -> MountOptions {
        var attach = AttachOptions(
            isReadOnly: isReadOnly,
            keepsDiscardedRoom: keepsDiscardedRoom,
            backingIO: backingIO,
            threadCount: threads
        )
        attach.device = device
        return MountOptions(
            attach: attach,
            filesystem: filesystem ?? type,
            formats: formats,
            mountOptions: passed.isEmpty ? nil : passed.joined(separator: ",")
        )
    }

    // MARK: - Steps

    /// Takes an option of Coffer's own; false for any other.
    private mutating func take(_ name: String, _ value: String?) throws(MountUsage) -> Bool {
        switch (name, value) {
        case ("ro", nil): isReadOnly = true
        case ("rw", nil): isReadOnly = false
        case ("remount", nil): isRemount = true
        case ("no-discard", nil): keepsDiscardedRoom = true
        case ("mkfs", "none"?): formats = false
        case ("mkfs", let value?):
            guard let kind = FilesystemKind(rawValue: value) else {
                throw Self.wrong(name, "ext4, xfs or none")
            }
            (filesystem, formats) = (kind, true)
        case ("backing-io", let value?):
            guard let kind = BackingIO(rawValue: value) else {
                throw Self.wrong(name, "auto, cached or direct")
            }
            backingIO = kind
        case ("threads", let value?):
            guard let count = Int(value), (1...64).contains(count) else { throw Self.wrong(name, "1 to 64") }
            threads = count
        case ("device", let value?): device = value
        case (_, let value?) where Self.globalNames.contains(name):
            guard !value.isEmpty, !value.hasPrefix("-") else { throw Self.wrong(name, "a value") }
            globals[name] = value
        case (_, nil) where Self.valued.contains(name): throw Self.wrong(name, "a value")
        default: return false
        }
        return true
    }

    /// Options of every command.
    private static let globalNames: Set<String> = [
        "home", "region", "as", "kms-endpoint", "passphrase-file", "pin-file",
    ]
    /// Those that take a value.
    private static let valued = globalNames.union(["mkfs", "backing-io", "threads", "device"])

    private static func wrong(_ name: String, _ what: String) -> MountUsage {
        MountUsage("the option \(name)= takes \(what)")
    }

    /// Those that mount(8), systemd and people read, and that mean nothing here. (mount(8), "FILESYSTEM-INDEPENDENT MOUNT
    /// OPTIONS"; systemd.mount(5).)
    private static func isForOthers(_ name: String) -> Bool {
        name.hasPrefix("x-") || name.hasPrefix("X-") || others.contains(name)
    }

    private static let others: Set<String> = [
        "defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "nofail", "_netdev",
        "comment",
        "helper", "uhelper",
    ]

    /// Of every filesystem. (mount(8), as above.)
    private static let generic: Set<String> = [
        "exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "dirsync", "atime", "noatime",
        "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime",
        "nolazytime", "iversion", "noiversion", "mand", "nomand", "silent", "loud", "symfollow",
        "nosymfollow",
        "context", "fscontext", "defcontext", "rootcontext",
    ]

    /// Of ext4 and of XFS: which of the two has an option, the kernel says. (ext4(5), xfs(5).)
    private static let filesystems: Set<String> = [
        "acl", "allocsize", "auto_da_alloc", "barrier", "commit", "data", "delalloc", "discard", "errors",
        "gquota",
        "grpjquota", "grpquota", "init_itable", "inode32", "inode64", "jqfmt", "journal_checksum", "largeio",
        "logbsize", "logbufs", "max_batch_time", "min_batch_time", "noacl", "noauto_da_alloc", "nobarrier",
        "nodelalloc", "nodiscard", "noinit_itable", "nolargeio", "noload", "noquota", "norecovery",
        "nouser_xattr",
        "nouuid", "pquota", "prjquota", "quota", "resgid", "resuid", "stripe", "sunit", "swalloc", "swidth",
        "uquota", "user_xattr", "usrjquota", "usrquota",
    ]

    private static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return String(text) }
        return String(text.dropFirst().dropLast())
    }
}
