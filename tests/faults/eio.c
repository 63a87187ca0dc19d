/* A disk that fails on demand: fsync() and write() return EIO for files beside the queue, while a file asks for it.
 *
 * Put in front of libc by /etc/ld.so.preload, and not by LD_PRELOAD, which Postfix does not hand to its daemons.
 * Only files on the queue's own device fail: sockets, pipes and other volumes stay what they are.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int fd, const char *asked)
{
    struct stat file, queue;
    int before = errno;
    int found = access(asked, F_OK) == 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode)
        && stat("/var/spool/postfix", &queue) == 0 && file.st_dev == queue.st_dev;

    errno = before;
    return found;
}

int fsync(int fd)
{
    if (fails(fd, "/run/eio-fsync")) {
        errno = EIO;
        return -1;
    }
    return (int) syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *octets, size_t count)
{
    if (fails(fd, "/run/eio-write")) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_write, fd, octets, count);
}
