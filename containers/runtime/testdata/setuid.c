/* Becomes another user, as entry points do, and stays. */
#include <unistd.h>

int main(void) {
  if (setgid(1000) || setuid(1000)) return 1;
  for (;;) pause();
}
