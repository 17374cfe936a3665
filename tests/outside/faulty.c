/* A PKCS#11 library that passes everything on to the real one, REAL_MODULE, and goes wrong as the files in
 * the folder FAULTS say: `lost` ends every session once, `gone` is a token that was taken away, `wrong`
 * spoils signatures, and `hang` answers no more until it is removed. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef unsigned long ul;
typedef void (*any)(void);
/* CK_FUNCTION_LIST of version 2.40: a version, and 68 functions in the standard's order. */
struct list { unsigned char version[2]; any call[68]; };
enum { CLOSE_ALL = 14, OPEN_SESSION = 12, SIGN_INIT = 42, SIGN = 43 };

static struct list real, ours;
static ul last_slot;

static int told(const char *fault, int once) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("FAULTS"), fault);
    if (access(path, F_OK) != 0) return 0;
    if (once) unlink(path);
    return 1;
}

static ul open_session(ul slot, ul flags, void *application, void *notify, ul *session) {
    if (told("gone", 0)) return 0xE0; /* CKR_TOKEN_NOT_PRESENT */
    last_slot = slot;
    return ((ul (*)(ul, ul, void *, void *, ul *))real.call[OPEN_SESSION])(slot, flags, application, notify, session);
}

static ul sign_init(ul session, void *mechanism, ul key) {
    if (told("gone", 0)) return 0x32; /* CKR_DEVICE_REMOVED */
    if (told("lost", 1)) ((ul (*)(ul))real.call[CLOSE_ALL])(last_slot);
    return ((ul (*)(ul, void *, ul))real.call[SIGN_INIT])(session, mechanism, key);
}

static ul sign(ul session, unsigned char *data, ul length, unsigned char *signature, ul *signature_length) {
    ul said;
    while (told("hang", 0)) usleep(10000);
    said = ((ul (*)(ul, unsigned char *, ul, unsigned char *, ul *))real.call[SIGN])(session, data, length, signature, signature_length);
    if (said == 0 && signature && told("wrong", 0)) signature[7] ^= 1;
    return said;
}

ul C_GetFunctionList(struct list **list) {
    void *module = dlopen(getenv("REAL_MODULE"), RTLD_NOW);
    struct list *found;
    if (!module) return 5; /* CKR_GENERAL_ERROR */
    ((ul (*)(struct list **))dlsym(module, "C_GetFunctionList"))(&found);
    real = ours = *found;
    ours.call[OPEN_SESSION] = (any)open_session;
    ours.call[SIGN_INIT] = (any)sign_init;
    ours.call[SIGN] = (any)sign;
    *list = &ours;
    return 0;
}
