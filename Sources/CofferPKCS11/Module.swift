internal import CPKCS11
internal import CofferShapes
internal import Glibc
internal import Synchronization

/// A PKCS #11 module in this process: loaded, its function list checked, initialised for several threads.
///
/// A module is code that runs with all that this process may do, so it is loaded from an absolute path only, and only
/// where nobody but root and this process's user can write to the file. The process that initialised it is the only
/// one to use it: a forked child has copies of sessions that are not its own, and gets `.gone`.
@safe
final class Module: @unchecked Sendable {
    // Sendable: everything is constant but `devices`, which has its own lock.

    /// Without symbolic links: what tells modules apart.
    let path: String
    let functions: CK_FUNCTION_LIST
    let devices = Mutex<[String: SharedDevice]>([:])

    private let processID: pid_t
    /// Somebody else in this process may have initialised it before, and then ends it as well.
    private let isOurs: Bool

    /// `path` is what `resolve` gave.
    init(resolved path: String) throws(HardwareTokenError) {
        self.path = path
        functions = try Self.load(path)
        processID = getpid()
        isOurs = try Self.initialise(functions)
    }

    /// C_Finalize; no device is in use any more.
    func finalise() {
        guard isOurs && isInItsProcess else { return }
        // What it answers changes nothing: nobody calls this module any more.
        _ = functions.C_Finalize(nil)
    }

    /// Whether this is the process that initialised the module, and not a forked child of it.
    var isInItsProcess: Bool { getpid() == processID }

    /// The real path of a module that may be loaded.
    static func resolve(_ path: String) throws(HardwareTokenError) -> String {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0),
            let real = unsafe realpath(path, nil)
        else { throw .moduleNotFound(path) }
        defer { unsafe free(real) }
        var status = stat()
        guard unsafe stat(real, &status) == 0 else { throw .moduleNotFound(path) }
        guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw .unsupported(
                "the PKCS #11 module \(path) can be changed by other users: give it to root with mode 0644"
            )
        }
        return unsafe String(cString: real)
    }

    private static func load(_ path: String) throws(HardwareTokenError) -> CK_FUNCTION_LIST {
        // Filled whole by a successful load, and unused otherwise.
        let functions = UnsafeMutablePointer<CK_FUNCTION_LIST>.allocate(capacity: 1)
        var reason = [CChar](repeating: 0, count: 512)
        defer { unsafe functions.deallocate() }
        let loading = unsafe cpkcs11_load(path, functions, &reason, reason.count)
        let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch loading {
        case CPKCS11_LOADED: return unsafe functions.pointee
        case CPKCS11_NOT_LOADABLE: throw .unsupported("\(path) cannot be loaded: \(text)")
        case CPKCS11_NO_ENTRY, CPKCS11_NO_LIST:
            throw .unsupported("\(path) is not a PKCS #11 module: it gives no list of functions")
        case CPKCS11_OTHER_VERSION:
            throw .unsupported("\(path) is for another version of PKCS #11 than 2.x and 3.x")
        default: throw .unsupported("\(path) lacks a PKCS #11 function that Coffer calls")
        }
    }

    /// C_Initialize; whether it was this call that did it.
    private static func initialise(_ functions: CK_FUNCTION_LIST) throws(HardwareTokenError) -> Bool {
        var arguments = unsafe CK_C_INITIALIZE_ARGS()
        unsafe arguments.flags = CKF_OS_LOCKING_OK
        let code = unsafe functions.C_Initialize(&arguments)
        if code == CKR_CRYPTOKI_ALREADY_INITIALIZED { return false }
        try ReturnCode.check(code, "C_Initialize")
        return true
    }
}

/// The modules in use in this process: each is initialised once, however many tokens are open, and finalised with the
/// last, so that the next use sees tokens that came meanwhile.
enum LoadedModules {
    private struct Use {
        let module: Module
        var count: Int
    }

    private static let uses = Mutex<[String: Use]>([:])

    /// The module at `path`, until `release`.
    static func retain(_ path: String) throws(HardwareTokenError) -> Module {
        let path = try Module.resolve(path)
        return try uses.withLock { (uses) throws(HardwareTokenError) in
            let module = if let use = uses[path] { use.module } else { try Module(resolved: path) }
            guard module.isInItsProcess else { throw .gone }
            uses[path, default: Use(module: module, count: 0)].count += 1
            return module
        }
    }

    static func release(_ module: Module) {
        uses.withLock { uses in
            guard let use = uses[module.path] else { return }
            uses[module.path] = use.count > 1 ? Use(module: module, count: use.count - 1) : nil
            if use.count == 1 { module.finalise() }
        }
    }
}
