/* test_dockerfile.c */
int main(void)
{
	return 0;
}
