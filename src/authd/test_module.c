/*
 * test_module.c: a PAM module that behaves badly on request, for the tests of
 * dockbroker-authd.  Its argument says how.
 */
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int converse(pam_handle_t *pamh, int style, int n, const char *text,
    int with_resp)
{
	struct pam_message message = { style, text };
	const struct pam_message *messages[8];
	struct pam_response *resp = NULL;
	const struct pam_conv *conv = NULL;
	int r;

	if (pam_get_item(pamh, PAM_CONV, (const void **)&conv) || !conv)
		return PAM_SERVICE_ERR;
	for (int i = 0; i < 8; i++)
		messages[i] = &message;
	r = conv->conv(n, messages, with_resp ? &resp : NULL,
	    conv->appdata_ptr);
	free(resp);
	return r;
}

static int talk(pam_handle_t *pamh)
{
	char *text = malloc(1 << 20);
	int r;

	if (!text)
		return PAM_BUF_ERR;
	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	r = converse(pamh, PAM_TEXT_INFO, 1, "two\nlines\x1b[31m", 0);
	if (r == PAM_SUCCESS)
		r = converse(pamh, PAM_ERROR_MSG, 3, text, 1);
	if (r == PAM_SUCCESS)
		r = converse(pamh, PAM_TEXT_INFO, 1, NULL, 1);
	free(text);
	return r == PAM_SUCCESS ? PAM_PERM_DENIED : PAM_SYSTEM_ERR;
}

/* A process that outlives us, out of our session. */
static int leave(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			sleep(60);
		_exit(0);
	}
	return PAM_SUCCESS;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	const char *how = argc ? argv[0] : "";
	const char *tty = NULL;

	(void)flags;
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "exit"))
		_exit(0);
	if (!strcmp(how, "hang"))
		sleep(60);
	if (!strcmp(how, "talk"))
		return talk(pamh);
	if (!strcmp(how, "prompt"))
		return converse(pamh, PAM_PROMPT_ECHO_OFF, 1, "Password: ", 1);
	if (!strcmp(how, "leave"))
		return leave();
	if (!strcmp(how, "tty") && !pam_get_item(pamh, PAM_TTY,
	    (const void **)&tty))
		return converse(pamh, PAM_TEXT_INFO, 1, tty, 1);
	return PAM_SERVICE_ERR;
}
