/* test_tar.c */
int main(void)
{
	return 0;
}
