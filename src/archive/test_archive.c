/* test_archive.c */
int main(void)
{
	return 0;
}
