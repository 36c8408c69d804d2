/* A service that does nothing: it runs until it is told to stop. */
#include <windows.h>

static SERVICE_STATUS_HANDLE handle;
static HANDLE over;

static void report(DWORD state)
{
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0};
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI told(DWORD control, DWORD type, void *data, void *context)
{
    if (control == SERVICE_CONTROL_STOP)
        SetEvent(over);
    return control == SERVICE_CONTROL_STOP || control == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
}

static void WINAPI serve(DWORD count, char **names)
{
    over = CreateEventA(NULL, TRUE, FALSE, NULL);
    handle = RegisterServiceCtrlHandlerExA("food", told, NULL);
    report(SERVICE_RUNNING);
    WaitForSingleObject(over, INFINITE);
    report(SERVICE_STOPPED);
}

int main(void)
{
    SERVICE_TABLE_ENTRYA table[] = {{"food", serve}, {NULL, NULL}};
    return StartServiceCtrlDispatcherA(table) ? 0 : 1;
}
