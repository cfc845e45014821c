/* socketcall(2) by the 32-bit gate: socket(AF_ALG). Prints the result. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
  unsigned *args = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  args[0] = 38, args[1] = 5, args[2] = 0;
  int ret;
  asm volatile("int $0x80" : "=a"(ret) : "a"(102), "b"(1), "c"(args) : "memory", "r8", "r9", "r10", "r11");
  printf("%d\n", ret);
  return 0;
}
