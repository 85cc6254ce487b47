/*
 * pam.c: one pam_acct_mgmt.  Runs in a child only.  The account is what NSS
 * said, never what a client said; the tty comes from the broker, which read
 * it from the kernel.  PAM_SILENT is not given, since the modules' texts are
 * what the user needs to know; nobody but our conversation sees them.
 * pam_authenticate is never called here: asking pam_faillock's account
 * module after a failed one would reset its tally.
 */
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"

/* Appends to a line: control characters become blanks, texts are separated. */
static void text_add(char text[BOUND_PAM_TEXT], const char *more)
{
	size_t n = strlen(text), start = n;

	if (n && *more && n + 3 < BOUND_PAM_TEXT) {
		text[n++] = ';';
		text[n++] = ' ';
		start = n;
	}
	for (; *more && n + 1 < BOUND_PAM_TEXT; more++) {
		unsigned char c = *more;

		if (c < ' ' || c == 0x7f)
			c = ' ';
		if (c != ' ' || n > start)
			text[n++] = c;
	}
	while (n > start && text[n - 1] == ' ')
		n--;
	/* A character that was cut in two does not stay. */
	while (n && !utf8_valid((struct slice){ text, n }))
		n--;
	memset(text + n, 0, BOUND_PAM_TEXT - n);
}

/* Modules call this with resp NULL, with several messages, and with NULL
 * for a text; nobody is there to answer a prompt. */
static int converse(int n, const struct pam_message **messages,
    struct pam_response **resp, void *arg)
{
	char *text = arg;

	if (resp)
		*resp = NULL;
	if (n < 1 || n > PAM_MAX_NUM_MSG || !messages)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++) {
		const struct pam_message *m = messages[i];

		if (!m || (m->msg_style != PAM_TEXT_INFO &&
		    m->msg_style != PAM_ERROR_MSG))
			return PAM_CONV_ERR;
		text_add(text, m->msg ? m->msg : "");
	}
	/* One response each is owed, empty as they are. */
	if (resp)
		*resp = calloc(n, sizeof(**resp));
	return resp && !*resp ? PAM_BUF_ERR : PAM_SUCCESS;
}

int pam_account(const struct config *c, const char *user, const char *tty,
    char text[BOUND_PAM_TEXT])
{
	struct pam_conv conv = { converse, text };
	pam_handle_t *pamh = NULL;
	int code;

	memset(text, 0, BOUND_PAM_TEXT);
	code = c->pam_directory[0] ? pam_start_confdir(c->pam_service, user,
	    &conv, c->pam_directory, &pamh) :
	    pam_start(c->pam_service, user, &conv, &pamh);
	if (code == PAM_SUCCESS)
		code = pam_set_item(pamh, PAM_TTY, *tty ? tty : "dockbroker");
	if (code == PAM_SUCCESS)
		code = pam_acct_mgmt(pamh, 0);
	if (code != PAM_SUCCESS && !text[0])
		text_add(text, pam_strerror(pamh, code));
	if (pamh)
		(void)pam_end(pamh, code);
	return code;
}
