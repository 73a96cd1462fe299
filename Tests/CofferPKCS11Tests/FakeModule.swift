internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// A module that misbehaves on demand, compiled for the test: what no honest token does and a broken one may.
///
/// Its token "fake" holds one key and takes the PIN "1234". Encryption inverts bits and the tag is zero.
final class FakeModule {
    /// Why no module can be made here, or nil.
    static let obstacle: String? = {
        do {
            _ = try FakeModule()
            return nil
        } catch {
            return "\(error)"
        }
    }()

    let path: String
    private let folder: TemporaryFolder

    /// `faults` are the names that the source below asks for with `#ifdef`.
    init(_ faults: [String] = []) throws {
        folder = try TemporaryFolder()
        path = folder.path("module.so")
        if let obstacle = try Self.compile(faults, to: path) { throw Obstacle(text: obstacle) }
    }

    func connect(pin: String = "1234") throws -> any HardwareToken {
        try PKCS11Connector().connect(
            module: path,
            tokenLabel: "fake",
            pin: SecretBytes(copying: Array(pin.utf8))
        )
    }

    /// A variable of the module, which stays loaded.
    subscript(_ name: String) -> Int32 {
        get { unsafe variable(name).pointee }
        set { unsafe variable(name).pointee = newValue }
    }

    private func variable(_ name: String) -> UnsafeMutablePointer<Int32> {
        guard let module = unsafe dlopen(path, RTLD_NOW), let symbol = unsafe dlsym(module, name) else {
            fatalError("the fake module has no variable \(name)")
        }
        return unsafe symbol.assumingMemoryBound(to: Int32.self)
    }

    private struct Obstacle: Error { let text: String }

    /// nil, or why it does not compile.
    private static func compile(_ faults: [String], to path: String) throws -> String? {
        let include = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/CPKCS11/include").standardized.path
        try Data(source.utf8).write(to: URL(fileURLWithPath: path + ".c"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["clang", "-shared", "-fPIC", "-I", include, "-o", path, path + ".c"] + faults.map { "-D\($0)" }
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return "clang: \(String(decoding: text, as: UTF8.self))" }
        // Whatever the umask: a module that others can write to is not loaded.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return nil
    }

    private static let source = #"""
        #include "cpkcs11.h"
        #include <pthread.h>
        #include <string.h>
        #include <time.h>

        int fake_removed, fake_lost, fake_pin_changed, fake_serial;       // set by a test
        int fake_logins, fake_open, fake_most_open, fake_keys, fake_initialised;  // read by a test
        static int logged_in;
        static CK_SESSION_HANDLE next = 1, first_valid = 1;
        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

        static CK_RV check(CK_SESSION_HANDLE session) {
            CK_RV code = CKR_OK;
            pthread_mutex_lock(&mutex);
            if (fake_lost || fake_removed) { first_valid = next; logged_in = fake_open = fake_lost = 0; }
            if (fake_removed) code = CKR_DEVICE_REMOVED;
            else if (session < first_valid) code = CKR_SESSION_HANDLE_INVALID;
            pthread_mutex_unlock(&mutex);
            return code;
        }
        #define CHECK(session) do { CK_RV code = check(session); if (code) return code; } while (0)

        static CK_RV initialize(CK_C_INITIALIZE_ARGS *args) {
            fake_initialised++;
            return args->flags == CKF_OS_LOCKING_OK && !args->pReserved ? CKR_OK : 7;
        }
        static CK_RV finalize(void *reserved) { fake_initialised--; fake_open = 0; return CKR_OK; }
        static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count) {
        #ifdef MANY_SLOTS
            *count = ~0UL;
            return CKR_OK;
        #endif
            if (slots) slots[0] = 5;
            *count = !fake_removed;
        #ifdef MORE_SLOTS
            if (slots) *count = 1000;
        #endif
            return CKR_OK;
        }
        static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
            if (slot != 5) return CKR_SLOT_ID_INVALID;
            memset(info, ' ', sizeof *info);
            memcpy(info->label, "fake", 4);
            info->serialNumber[0] = (CK_BYTE)('0' + fake_serial);
            return fake_removed ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
        }
        static CK_RV mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
            memset(info, 0, sizeof *info);
            info->flags = CKF_ENCRYPT | CKF_DECRYPT | CKF_GENERATE;
        #ifdef NO_GCM
            if (type == CKM_AES_GCM) return CKR_MECHANISM_INVALID;
        #endif
        #ifdef NO_DECRYPT
            if (type == CKM_AES_GCM) info->flags = CKF_ENCRYPT;
        #endif
            return CKR_OK;
        }
        static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *a, void *n, CK_SESSION_HANDLE *session) {
            check(0);
            if (fake_removed) return CKR_TOKEN_NOT_PRESENT;
            pthread_mutex_lock(&mutex);
        #ifdef SESSION_LIMIT
            if (fake_open >= SESSION_LIMIT) { pthread_mutex_unlock(&mutex); return CKR_SESSION_COUNT; }
        #endif
            *session = next++;
            if (++fake_open > fake_most_open) fake_most_open = fake_open;
            pthread_mutex_unlock(&mutex);
            return CKR_OK;
        }
        static CK_RV close_session(CK_SESSION_HANDLE session) {
            CHECK(session);
            pthread_mutex_lock(&mutex);
            if (--fake_open == 0) logged_in = 0;
            pthread_mutex_unlock(&mutex);
            return CKR_OK;
        }
        static CK_RV session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info) {
            CHECK(session);
            memset(info, 0, sizeof *info);
            info->state = logged_in ? CKS_RW_USER_FUNCTIONS : 2;
            return CKR_OK;
        }
        static CK_RV login(CK_SESSION_HANDLE session, CK_ULONG user, const CK_BYTE *pin, CK_ULONG length) {
            CHECK(session);
            fake_logins++;
        #ifdef LOCKED
            return CKR_PIN_LOCKED;
        #endif
        #ifdef EXPIRED
            return 0xA3;
        #endif
            if (logged_in) return CKR_USER_ALREADY_LOGGED_IN;
            if (fake_pin_changed || length != 4 || memcmp(pin, "1234", 4)) return CKR_PIN_INCORRECT;
            logged_in = 1;
            return CKR_OK;
        }
        static CK_RV logout(CK_SESSION_HANDLE session) { CHECK(session); logged_in = 0; return CKR_OK; }
        static CK_RV destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) { CHECK(session); fake_keys--; return CKR_OK; }
        static CK_RV attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *list, CK_ULONG count) {
            CHECK(session);
            for (CK_ULONG i = 0; i < count; i++) {
                *(CK_BBOOL *)list[i].pValue = list[i].type != CKA_EXTRACTABLE;
                list[i].ulValueLen = 1;
        #ifdef EXTRACTABLE
                *(CK_BBOOL *)list[i].pValue = 1;
        #endif
        #ifdef NO_ATTRIBUTE
                list[i].ulValueLen = ~0UL;
        #endif
            }
            return CKR_OK;
        }
        static __thread int found;
        static CK_RV find_init(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *list, CK_ULONG count) {
            CHECK(session);
            for (CK_ULONG i = 0; i < count; i++) if (!list[i].pValue || !list[i].ulValueLen) return 7;
            found = 0;
            return logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
        }
        static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *keys, CK_ULONG room, CK_ULONG *count) {
            CHECK(session);
            *count = fake_keys > found;
            keys[0] = 70 + found++;
        #ifdef MANY_FOUND
            *count = 1000;
        #endif
            return CKR_OK;
        }
        static CK_RV find_final(CK_SESSION_HANDLE session) { CHECK(session); return CKR_OK; }
        static CK_RV start(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
            CHECK(session);
            if (!logged_in) return CKR_USER_NOT_LOGGED_IN;
            CK_GCM_PARAMS *gcm = mechanism->pParameter;
            if (mechanism->ulParameterLen != 48 || gcm->ulIvLen != 12 || gcm->ulIvBits != 96 || gcm->ulTagBits != 128)
                return CKR_MECHANISM_PARAM_INVALID;
        #ifdef OWN_IV
            memset(gcm->pIv, 0xAA, 12);
        #endif
            return CKR_OK;
        }
        static CK_RV encrypt(CK_SESSION_HANDLE session, const CK_BYTE *data, CK_ULONG length, CK_BYTE *result, CK_ULONG *room) {
            CHECK(session);
        #ifdef SLOW
            struct timespec pause = {0, 20000000};
            nanosleep(&pause, NULL);
        #endif
        #ifdef FAILS
            return 5;
        #endif
            if (*room < length + 16) return 0x150;
            for (CK_ULONG i = 0; i < length; i++) result[i] = (CK_BYTE)~data[i];
            memset(result + length, 0, 16);
            *room = length + 16;
        #ifdef LONG_RESULT
            *room = 1UL << 40;
        #endif
        #ifdef SHORT_RESULT
            *room = length;
        #endif
            return CKR_OK;
        }
        static CK_RV decrypt(CK_SESSION_HANDLE session, const CK_BYTE *data, CK_ULONG length, CK_BYTE *result, CK_ULONG *room) {
            CHECK(session);
            for (CK_ULONG i = 0; i < length - 16; i++) result[i] = (CK_BYTE)~data[i];
            *room = length - 16;
        #ifdef NEVER_DECRYPTS
            return 5;
        #endif
            for (int i = 1; i <= 16; i++) if (data[length - i]) return 5;
        #ifdef LONG_PLAINTEXT
            *room = ~0UL;
        #endif
        #ifdef SHORT_PLAINTEXT
            *room = 0;
        #endif
            return CKR_OK;
        }
        static CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, const CK_ATTRIBUTE *list, CK_ULONG count,
                              CK_OBJECT_HANDLE *key) {
            CHECK(session);
            *key = 70 + fake_keys++;
        #ifdef TWIN
            fake_keys++;
        #endif
            return CKR_OK;
        }

        #ifdef NO_ENTRY
        #define C_GetFunctionList C_SomethingElse
        #endif
        static CK_FUNCTION_LIST list;
        CK_RV C_GetFunctionList(const CK_FUNCTION_LIST **result) {
            list.version.major = 2;
            list.version.minor = 40;
            list.C_Initialize = initialize; list.C_Finalize = finalize;
            list.C_GetSlotList = slot_list; list.C_GetTokenInfo = token_info; list.C_GetMechanismInfo = mechanism_info;
            list.C_OpenSession = open_session; list.C_CloseSession = close_session;
            list.C_GetSessionInfo = session_info; list.C_Login = login; list.C_Logout = logout;
            list.C_DestroyObject = destroy; list.C_GetAttributeValue = attributes;
            list.C_FindObjectsInit = find_init; list.C_FindObjects = find; list.C_FindObjectsFinal = find_final;
            list.C_EncryptInit = list.C_DecryptInit = start; list.C_Encrypt = encrypt; list.C_Decrypt = decrypt;
            list.C_GenerateKey = generate;
        #ifdef NULL_FUNCTION
            list.C_FindObjects = NULL;
        #endif
        #ifdef VERSION_1
            list.version.major = 1;
        #endif
        #ifdef NULL_LIST
            *result = NULL;
            return CKR_OK;
        #endif
        #ifdef NO_LIST
            return 5;
        #endif
            *result = &list;
            return CKR_OK;
        }
        """#
}
