#include "cpkcs11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef CK_RV (*GetFunctionList)(const CK_FUNCTION_LIST **list);

// Whether everything that Coffer calls is there: Swift takes these pointers as never null.
static int is_complete(const CK_FUNCTION_LIST *list) {
    return list->C_Initialize && list->C_Finalize && list->C_GetSlotList && list->C_GetTokenInfo &&
           list->C_GetMechanismInfo && list->C_OpenSession && list->C_CloseSession && list->C_GetSessionInfo &&
           list->C_Login && list->C_Logout && list->C_DestroyObject && list->C_GetAttributeValue &&
           list->C_FindObjectsInit && list->C_FindObjects && list->C_FindObjectsFinal && list->C_EncryptInit &&
           list->C_Encrypt && list->C_DecryptInit && list->C_Decrypt && list->C_GenerateKey;
}

static CPKCS11_LOADING list_of(void *module, CK_FUNCTION_LIST *functions) {
    GetFunctionList get_list = (GetFunctionList)dlsym(module, "C_GetFunctionList");
    if (!get_list) return CPKCS11_NO_ENTRY;
    const CK_FUNCTION_LIST *list = NULL;
    if (get_list(&list) != CKR_OK || !list) return CPKCS11_NO_LIST;
    // Later versions keep this list and its order (3.0, 5.4.4).
    if (list->version.major != 2 && list->version.major != 3) return CPKCS11_OTHER_VERSION;
    if (!is_complete(list)) return CPKCS11_MISSING_FUNCTION;
    memcpy(functions, list, sizeof *functions);
    return CPKCS11_LOADED;
}

CPKCS11_LOADING cpkcs11_load(const char *path, CK_FUNCTION_LIST *functions, char *reason, size_t reasonBytes) {
    reason[0] = 0;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        const char *error = dlerror();
        snprintf(reason, reasonBytes, "%s", error ? error : "dlopen failed");
        return CPKCS11_NOT_LOADABLE;
    }
    CPKCS11_LOADING loading = list_of(module, functions);
    if (loading != CPKCS11_LOADED) dlclose(module);
    return loading;
}
