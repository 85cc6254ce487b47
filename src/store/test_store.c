/* test_store.c */
int main(void)
{
	return 0;
}
