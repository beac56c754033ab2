/* Runs a target over files, without libFuzzer: for valgrind and for coverage.
 *
 *   TARGET [-EVERY] FOLDER_OR_FILE...   every EVERY-th file of a folder
 *
 * Each file stands in memory of exactly its size. */
#include <dirent.h>
#include <string.h>

#include "check.h"
#include "mutator.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/* Nothing is mutated here. */
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  (void)data;
  (void)size;
  (void)max_size;
  abort();
}

static unsigned long files;

static void run_file(const char* path) {
  FILE* file = fopen(path, "rb");
  REQUIRE(file != NULL);
  REQUIRE(fseek(file, 0, SEEK_END) == 0);
  const long size = ftell(file);
  REQUIRE(size >= 0 && fseek(file, 0, SEEK_SET) == 0);
  uint8_t* data = malloc(size > 0 ? (size_t)size : 1);
  REQUIRE(data != NULL);
  REQUIRE(fread(data, 1, (size_t)size, file) == (size_t)size);
  REQUIRE(fclose(file) == 0);
  LLVMFuzzerTestOneInput(data, (size_t)size);
  ++files;
  free(data);
}

static void run_folder(const char* path, DIR* folder, unsigned long every) {
  char name[4096];
  unsigned long seen = 0;
  for (struct dirent* entry = readdir(folder); entry != NULL;
       entry = readdir(folder)) {
    if (entry->d_name[0] == '.' || seen++ % every != 0) continue;
    const int length =
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
    REQUIRE(length > 0 && (size_t)length < sizeof(name));
    run_file(name);
  }
}

int main(int argc, char** argv) {
  unsigned long every = 1;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') {
      every = strtoul(argv[i] + 1, NULL, 10);
      REQUIRE(every > 0);
      continue;
    }
    DIR* folder = opendir(argv[i]);
    if (folder == NULL) {
      run_file(argv[i]);
    } else {
      run_folder(argv[i], folder, every);
      REQUIRE(closedir(folder) == 0);
    }
  }
  printf("%lu files\n", files);
  return files > 0 ? 0 : 1;
}
