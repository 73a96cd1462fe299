// The part of Cryptoki that Coffer calls, and the loading of a module that offers it.
//
// Written from the OASIS standard "PKCS #11 Cryptographic Token Interface Base Specification Version 2.40" and its
// companion "Current Mechanisms Specification Version 2.40", for platforms that lay structures out as C does
// (Linux: no packing). Names are the standard's; what is only read is const here, which no module can tell.
#pragma once
#include <stddef.h>

#pragma clang assume_nonnull begin

typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_BYTE CK_BBOOL;
typedef CK_ULONG CK_FLAGS;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;
typedef CK_ULONG CK_ATTRIBUTE_TYPE;
typedef CK_ULONG CK_MECHANISM_TYPE;

typedef struct {
    CK_BYTE major;
    CK_BYTE minor;
} CK_VERSION;

// Base specification, 3.2: texts are UTF-8, padded with spaces, without a terminator.
typedef struct {
    CK_BYTE label[32];
    CK_BYTE manufacturerID[32];
    CK_BYTE model[16];
    CK_BYTE serialNumber[16];
    CK_FLAGS flags;
    CK_ULONG ulMaxSessionCount;
    CK_ULONG ulSessionCount;
    CK_ULONG ulMaxRwSessionCount;
    CK_ULONG ulRwSessionCount;
    CK_ULONG ulMaxPinLen;
    CK_ULONG ulMinPinLen;
    CK_ULONG ulTotalPublicMemory;
    CK_ULONG ulFreePublicMemory;
    CK_ULONG ulTotalPrivateMemory;
    CK_ULONG ulFreePrivateMemory;
    CK_VERSION hardwareVersion;
    CK_VERSION firmwareVersion;
    CK_BYTE utcTime[16];
} CK_TOKEN_INFO;

typedef struct {
    CK_SLOT_ID slotID;
    CK_ULONG state;
    CK_FLAGS flags;
    CK_ULONG ulDeviceError;
} CK_SESSION_INFO;

typedef struct {
    CK_ATTRIBUTE_TYPE type;
    void *_Nullable pValue;
    CK_ULONG ulValueLen;
} CK_ATTRIBUTE;

typedef struct {
    CK_MECHANISM_TYPE mechanism;
    void *_Nullable pParameter;
    CK_ULONG ulParameterLen;
} CK_MECHANISM;

typedef struct {
    CK_ULONG ulMinKeySize;
    CK_ULONG ulMaxKeySize;
    CK_FLAGS flags;
} CK_MECHANISM_INFO;

// Mechanisms, 2.12.3. The text of 2.40 leaves ulIvBits out; its header, which decides, has it.
typedef struct {
    CK_BYTE *pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvBits;
    const CK_BYTE *_Nullable pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
} CK_GCM_PARAMS;

// Base specification, 3.7. No mutex functions: with CKF_OS_LOCKING_OK the module uses the system's.
typedef struct {
    void *_Nullable CreateMutex;
    void *_Nullable DestroyMutex;
    void *_Nullable LockMutex;
    void *_Nullable UnlockMutex;
    CK_FLAGS flags;
    void *_Nullable pReserved;
} CK_C_INITIALIZE_ARGS;

enum : CK_ULONG {
    CKF_OS_LOCKING_OK = 0x2,
    CKF_RW_SESSION = 0x2,
    CKF_SERIAL_SESSION = 0x4,
    CKF_ENCRYPT = 0x100,
    CKF_DECRYPT = 0x200,
    CKF_GENERATE = 0x8000,

    CKU_USER = 1,
    CKS_RW_USER_FUNCTIONS = 3,
    CKO_SECRET_KEY = 4,
    CKK_AES = 0x1F,
    CKM_AES_KEY_GEN = 0x1080,
    CKM_AES_GCM = 0x1087,

    CKA_CLASS = 0x0,
    CKA_TOKEN = 0x1,
    CKA_PRIVATE = 0x2,
    CKA_LABEL = 0x3,
    CKA_VALUE = 0x11,
    CKA_KEY_TYPE = 0x100,
    CKA_ID = 0x102,
    CKA_SENSITIVE = 0x103,
    CKA_ENCRYPT = 0x104,
    CKA_DECRYPT = 0x105,
    CKA_WRAP = 0x106,
    CKA_UNWRAP = 0x107,
    CKA_VALUE_LEN = 0x161,
    CKA_EXTRACTABLE = 0x162,
    CKA_NEVER_EXTRACTABLE = 0x164,
    CKA_ALWAYS_SENSITIVE = 0x165,

    CKR_OK = 0x0,
    CKR_SLOT_ID_INVALID = 0x3,
    CKR_GENERAL_ERROR = 0x5,
    CKR_FUNCTION_FAILED = 0x6,
    CKR_ATTRIBUTE_TYPE_INVALID = 0x12,
    CKR_ATTRIBUTE_VALUE_INVALID = 0x13,
    CKR_DATA_INVALID = 0x20,
    CKR_DATA_LEN_RANGE = 0x21,
    CKR_DEVICE_ERROR = 0x30,
    CKR_DEVICE_REMOVED = 0x32,
    CKR_ENCRYPTED_DATA_INVALID = 0x40,
    CKR_ENCRYPTED_DATA_LEN_RANGE = 0x41,
    CKR_AEAD_DECRYPT_FAILED = 0x42,  // of version 3.0, which modules of both versions answer
    CKR_FUNCTION_NOT_SUPPORTED = 0x54,
    CKR_KEY_HANDLE_INVALID = 0x60,
    CKR_KEY_SIZE_RANGE = 0x62,
    CKR_KEY_TYPE_INCONSISTENT = 0x63,
    CKR_KEY_FUNCTION_NOT_PERMITTED = 0x68,
    CKR_MECHANISM_INVALID = 0x70,
    CKR_MECHANISM_PARAM_INVALID = 0x71,
    CKR_OBJECT_HANDLE_INVALID = 0x82,
    CKR_PIN_INCORRECT = 0xA0,
    CKR_PIN_INVALID = 0xA1,
    CKR_PIN_LEN_RANGE = 0xA2,
    CKR_PIN_LOCKED = 0xA4,
    CKR_SESSION_CLOSED = 0xB0,
    CKR_SESSION_COUNT = 0xB1,
    CKR_SESSION_HANDLE_INVALID = 0xB3,
    CKR_SIGNATURE_INVALID = 0xC0,
    CKR_TEMPLATE_INCOMPLETE = 0xD0,
    CKR_TEMPLATE_INCONSISTENT = 0xD1,
    CKR_TOKEN_NOT_PRESENT = 0xE0,
    CKR_TOKEN_NOT_RECOGNIZED = 0xE1,
    CKR_TOKEN_WRITE_PROTECTED = 0xE2,
    CKR_USER_ALREADY_LOGGED_IN = 0x100,
    CKR_USER_NOT_LOGGED_IN = 0x101,
    CKR_CRYPTOKI_NOT_INITIALIZED = 0x190,
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
};

// A function of the list that Coffer does not call.
typedef void (*_Nullable CPKCS11_UNCALLED)(void);

// Base specification, 3.6: the order is the standard's. What follows C_GenerateKey is left out, so a module's own list
// is longer than this.
typedef struct {
    CK_VERSION version;
    CK_RV (*C_Initialize)(CK_C_INITIALIZE_ARGS *args);
    CK_RV (*C_Finalize)(void *_Nullable reserved);
    CPKCS11_UNCALLED uncalledInfo[2];  // C_GetInfo, C_GetFunctionList
    CK_RV (*C_GetSlotList)(CK_BBOOL tokenPresent, CK_SLOT_ID *_Nullable slots, CK_ULONG *count);
    CPKCS11_UNCALLED uncalledSlotInfo;  // C_GetSlotInfo
    CK_RV (*C_GetTokenInfo)(CK_SLOT_ID slot, CK_TOKEN_INFO *info);
    CPKCS11_UNCALLED uncalledMechanismList;  // C_GetMechanismList
    CK_RV (*C_GetMechanismInfo)(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info);
    CPKCS11_UNCALLED uncalledTokenSetup[3];  // C_InitToken, C_InitPIN, C_SetPIN
    CK_RV (*C_OpenSession)(CK_SLOT_ID slot, CK_FLAGS flags, void *_Nullable application, void *_Nullable notify,
                           CK_SESSION_HANDLE *session);
    CK_RV (*C_CloseSession)(CK_SESSION_HANDLE session);
    CPKCS11_UNCALLED uncalledCloseAll;  // C_CloseAllSessions
    CK_RV (*C_GetSessionInfo)(CK_SESSION_HANDLE session, CK_SESSION_INFO *info);
    CPKCS11_UNCALLED uncalledOperationState[2];  // C_GetOperationState, C_SetOperationState
    CK_RV (*C_Login)(CK_SESSION_HANDLE session, CK_ULONG userType, const CK_BYTE *_Nullable pin, CK_ULONG pinLength);
    CK_RV (*C_Logout)(CK_SESSION_HANDLE session);
    CPKCS11_UNCALLED uncalledObjects[2];  // C_CreateObject, C_CopyObject
    CK_RV (*C_DestroyObject)(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);
    CPKCS11_UNCALLED uncalledObjectSize;  // C_GetObjectSize
    CK_RV (*C_GetAttributeValue)(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes,
                                 CK_ULONG count);
    CPKCS11_UNCALLED uncalledSetAttribute;  // C_SetAttributeValue
    CK_RV (*C_FindObjectsInit)(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *attributes, CK_ULONG count);
    CK_RV (*C_FindObjects)(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count);
    CK_RV (*C_FindObjectsFinal)(CK_SESSION_HANDLE session);
    CK_RV (*C_EncryptInit)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
    CK_RV (*C_Encrypt)(CK_SESSION_HANDLE session, const CK_BYTE *data, CK_ULONG dataLength, CK_BYTE *_Nullable result,
                       CK_ULONG *resultLength);
    CPKCS11_UNCALLED uncalledEncryptParts[2];  // C_EncryptUpdate, C_EncryptFinal
    CK_RV (*C_DecryptInit)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
    CK_RV (*C_Decrypt)(CK_SESSION_HANDLE session, const CK_BYTE *data, CK_ULONG dataLength, CK_BYTE *_Nullable result,
                       CK_ULONG *resultLength);
    CPKCS11_UNCALLED uncalledDecryptParts[2];  // C_DecryptUpdate, C_DecryptFinal
    CPKCS11_UNCALLED uncalledDigest[5];        // C_DigestInit to C_DigestFinal
    CPKCS11_UNCALLED uncalledSign[6];          // C_SignInit to C_SignRecover
    CPKCS11_UNCALLED uncalledVerify[6];        // C_VerifyInit to C_VerifyRecover
    CPKCS11_UNCALLED uncalledDual[4];          // C_DigestEncryptUpdate to C_DecryptVerifyUpdate
    CK_RV (*C_GenerateKey)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, const CK_ATTRIBUTE *attributes,
                           CK_ULONG count, CK_OBJECT_HANDLE *key);
} CK_FUNCTION_LIST;

// What came of loading a module.
typedef enum {
    CPKCS11_LOADED = 0,
    CPKCS11_NOT_LOADABLE,      // dlopen failed; the reason is dlerror's
    CPKCS11_NO_ENTRY,          // no symbol C_GetFunctionList
    CPKCS11_NO_LIST,           // C_GetFunctionList gave no list
    CPKCS11_OTHER_VERSION,     // the list is neither of version 2.x nor of 3.x
    CPKCS11_MISSING_FUNCTION,  // a function that Coffer calls is null
} CPKCS11_LOADING;

// Loads the shared object at `path` and copies its function list, checked, to `functions`, which is written to on
// CPKCS11_LOADED alone. A loaded module stays mapped until the process ends, because modules may have threads of their
// own; another object is let go. `reason` gets at most `reasonBytes` bytes of text with a terminator (at least 1).
CPKCS11_LOADING cpkcs11_load(const char *path, CK_FUNCTION_LIST *functions, char *reason, size_t reasonBytes);

#pragma clang assume_nonnull end
