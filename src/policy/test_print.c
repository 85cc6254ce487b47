/*
 * The canonical print is a fixed point, and means the same.
 */
#include "policy/test_util.h"

static void fixed_point(const char *text)
{
	struct buf one = BUF(1 << 20), two = BUF(1 << 20);
	struct policy *p = load_good(text);
	struct policy *q;

	policy_print(p, &one);
	q = load_good(buf_text(&one));
	policy_print(q, &two);
	assert_string_equal(buf_text(&one), buf_text(&two));
	for (struct role *a = p->roles, *b = q->roles; a != NULL;
	     a = a->next, b = b->next)
		for (struct rule *x = a->rules, *y = b->rules; x != NULL;
		     x = x->next, y = y->next)
			assert_memory_equal(&x->set, &y->set, sizeof(x->set));
	policy_unref(p);
	policy_unref(q);
	buf_free(&one);
	buf_free(&two);
}

/* Every word beside every other: none may join that did not before. */
static void test_pairs(void **state)
{
	struct buf text = BUF(1 << 20);

	(void)state;
	for (size_t i = 0; word_at(i) != NULL; i += 5) {
		buf_reset(&text);
		buf_addz(&text, "role r {\n");
		for (size_t k = 0; word_at(k) != NULL; k++)
			if (k != i)
				buf_addf(&text, "\tallow %s\n\t\t%s\n",
				    word_at(i), word_at(k));
		buf_addz(&text, "}\ngrant r to user x\n");
		fixed_point(buf_text(&text));
	}
	buf_free(&text);
}

/* All words in one statement fill many lines. */
static void test_long(void **state)
{
	struct buf text = BUF(1 << 20);

	(void)state;
	buf_addz(&text, "role r {\n\tallow\n");
	for (size_t i = 0; word_at(i) != NULL; i++)
		buf_addf(&text, "\t\t%s\n", word_at(i));
	buf_addz(&text, "\t\ton any\n}\ngrant r to user \"a\\\"\\\\ b\"\n");
	fixed_point(buf_text(&text));
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
