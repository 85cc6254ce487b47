/*
 * replay.c: main for a fuzz target without libFuzzer.  Feeds it every file of
 * its corpus and a few neighbours of each: cut off at every byte, and with
 * bits flipped by a generator with a fixed seed, so that `make check' repeats
 * to the byte.  What ends the target is written to ./crash-NAME first.
 *
 *	fuzz_NAME            corpus/NAME below $top_srcdir/tests/fuzz
 *	fuzz_NAME FILE...    these files as they are
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define FILE_MAX	(1024 * 1024)	/* bytes of one input */
#define CUTS		96		/* neighbours of one file, each kind */
#define FLIPS		64

#ifdef WITH_SANITIZERS
void __sanitizer_set_death_callback(void (*fn)(void));
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *volatile input;	/* for on_death */
static volatile size_t input_size;
static char crash_path[300];
static unsigned long inputs;

static void keep_input(void)
{
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	size_t n = input_size;

	if (fd < 0 || write(fd, input, n) != (ssize_t)n)
		_exit(1);
	close(fd);
}

static void on_signal(int signo)
{
	keep_input();
	signal(signo, SIG_DFL);
	raise(signo);
}

/* In memory of exactly its size, so that a byte too far is seen. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		exit(1);
	if (size)
		memcpy(copy, data, size);
	input = copy;
	input_size = size;
	(void)LLVMFuzzerTestOneInput(copy, size);
	inputs++;
	free(copy);
}

/* xorshift64: the same numbers everywhere. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void feed_neighbours(uint8_t *data, size_t size)
{
	uint64_t state = 0x9e3779b97f4a7c15u ^ size;
	size_t step = size / CUTS + 1;

	for (size_t n = 0; n < size; n += step)
		feed(data, n);
	for (int i = 0; size && i < FLIPS; i++) {
		size_t at = random_next(&state) % size;
		uint8_t bit = (uint8_t)(1u << (random_next(&state) & 7));

		data[at] ^= bit;
		feed(data, size);
		data[at] ^= bit;
	}
}

static int feed_file(const char *path, int neighbours)
{
	static uint8_t data[FILE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r = -1;

	while (fd >= 0 && n < sizeof(data) &&
	    (r = read(fd, data + n, sizeof(data) - n)) > 0)
		n += (size_t)r;
	if (fd < 0 || r < 0) {
		perror(path);
		return 1;
	}
	close(fd);
	feed(data, n);
	if (neighbours)
		feed_neighbours(data, n);
	return 0;
}

static int feed_corpus(const char *dir)
{
	struct dirent **list;
	char path[1024];
	int n = scandir(dir, &list, NULL, alphasort), bad = 0;

	if (n < 0) {
		perror(dir);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			bad |= feed_file(path, 1);
		free(list[i]);
	}
	free(list);
	return bad;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = strrchr(argv[0], '/');
	char dir[512];
	int bad = 0;

	name = name ? name + 1 : argv[0];
	name = strncmp(name, "fuzz_", 5) ? name : name + 5;
	snprintf(crash_path, sizeof(crash_path), "crash-%s", name);
	signal(SIGABRT, on_signal);
#ifdef WITH_SANITIZERS
	__sanitizer_set_death_callback(keep_input);
#else
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	signal(SIGFPE, on_signal);
#endif
	for (int i = 1; i < argc; i++)
		bad |= feed_file(argv[i], 0);
	if (argc == 1) {
		snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
		    top ? top : ".", name);
		bad = feed_corpus(dir);
	}
	printf("%s: %lu inputs\n", name, inputs);
	return bad || !inputs;
}
