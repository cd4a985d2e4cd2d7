#include "scenarios/record/filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "scenarios/record/hand_over_protocol.h"

namespace powercut::scenarios {

namespace {

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kAsk = SECCOMP_RET_USER_NOTIF;
constexpr uint32_t answer(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

sock_filter load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
// The low half: this is a little-endian machine.
sock_filter load_argument(size_t n) {
  return load(offsetof(seccomp_data, args) + n * sizeof(uint64_t));
}
sock_filter give(uint32_t what) { return BPF_STMT(BPF_RET | BPF_K, what); }
sock_filter jump(uint16_t test, uint32_t k, uint8_t yes, uint8_t no) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), k, yes, no);
}

class Filter {
 public:
  void add(std::vector<sock_filter> code) { code_.insert(code_.end(), code.begin(), code.end()); }
  // Of this call, the code that answers.
  void on(long call, std::vector<sock_filter> code) {
    code_.push_back(
        jump(BPF_JEQ, static_cast<uint32_t>(call), 0, static_cast<uint8_t>(code.size())));
    add(std::move(code));
  }
  void ask(long call) { on(call, {give(kAsk)}); }
  void refuse(long call, int error) { on(call, {give(answer(error))}); }
  // If one of these bits is set in that argument.
  void ask_if(long call, size_t argument, uint32_t bits) {
    on(call, {load_argument(argument), jump(BPF_JSET, bits, 0, 1), give(kAsk), give(kAllow)});
  }
  size_t size() const { return code_.size(); }
  const std::vector<sock_filter>& code() const { return code_; }
  std::vector<sock_filter> done() {
    code_.push_back(give(kAllow));
    return code_;
  }

 private:
  std::vector<sock_filter> code_;
};

constexpr uint32_t kWrites = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

constexpr long kAsked[] = {
    SYS_write,           SYS_pwrite64,   SYS_writev,   SYS_pwritev,
    SYS_pwritev2,        SYS_sendto,     SYS_sendmsg,  SYS_sendmmsg,
    SYS_close,           SYS_dup2,       SYS_dup3,     SYS_close_range,
    SYS_fsync,           SYS_fdatasync,  SYS_syncfs,   SYS_sync,
    SYS_sync_file_range, SYS_msync,      SYS_creat,    SYS_truncate,
    SYS_ftruncate,       SYS_fallocate,  SYS_rename,   SYS_renameat,
    SYS_renameat2,       SYS_link,       SYS_linkat,   SYS_unlink,
    SYS_unlinkat,        SYS_mkdir,      SYS_mkdirat,  SYS_rmdir,
    SYS_symlink,         SYS_symlinkat,  SYS_sendfile, SYS_copy_file_range,
    SYS_splice,          SYS_exit_group, SYS_chroot,   SYS_pivot_root,
    SYS_mount,           SYS_umount2,    SYS_setns,    SYS_open_by_handle_at};

// Of this machine's own calls alone.
Filter begin() {
  constexpr uint32_t kX32 = 0x40000000;
  Filter filter;
  filter.add({load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
              give(answer(ENOSYS)), load(offsetof(seccomp_data, nr)), jump(BPF_JGE, kX32, 0, 1),
              give(answer(ENOSYS))});
  return filter;
}

constexpr long kLooks[] = {SYS_open,       SYS_openat,     SYS_creat,
                           SYS_stat,       SYS_lstat,      SYS_newfstatat,
                           SYS_statx,      SYS_access,     SYS_faccessat,
                           SYS_faccessat2, SYS_readlink,   SYS_readlinkat,
                           SYS_chdir,      SYS_execve,     SYS_execveat,
                           SYS_truncate,   SYS_unlink,     SYS_unlinkat,
                           SYS_rmdir,      SYS_rename,     SYS_renameat,
                           SYS_renameat2,  SYS_link,       SYS_linkat,
                           SYS_symlink,    SYS_symlinkat,  SYS_mkdir,
                           SYS_mkdirat,    SYS_chmod,      SYS_fchmodat,
                           SYS_chown,      SYS_lchown,     SYS_fchownat,
                           SYS_utimensat,  SYS_read,       SYS_pread64,
                           SYS_readv,      SYS_preadv,     SYS_preadv2,
                           SYS_fstat,      SYS_getdents64, SYS_lseek,
                           SYS_write,      SYS_pwrite64,   SYS_writev,
                           SYS_pwritev,    SYS_pwritev2,   SYS_ftruncate,
                           SYS_fallocate,  SYS_sendfile,   SYS_copy_file_range,
                           SYS_splice};

}  // namespace

std::vector<sock_filter> with_hand_over(std::vector<sock_filter> filter) {
  const size_t begins = begin().size();
  Filter before;
  before.refuse(SYS_close_range, ENOSYS);
  before.refuse(SYS_ptrace, EPERM);
  before.on(SYS_sendmsg, {load_argument(2), jump(BPF_JEQ, kHandOverFlags, 0, 1), give(kAllow),
                          load(offsetof(seccomp_data, nr))});
  filter.insert(filter.begin() + static_cast<ptrdiff_t>(begins), before.code().begin(),
                before.code().end());
  return filter;
}

std::vector<sock_filter> look_filter() {
  Filter filter = begin();
  for (const long call : kLooks) filter.ask(call);
  filter.on(SYS_mmap,
            {load_argument(3), jump(BPF_JSET, MAP_ANONYMOUS, 1, 0), give(kAsk), give(kAllow)});
  for (const long call : {SYS_io_uring_setup, SYS_io_setup, SYS_openat2, SYS_getdents})
    filter.refuse(call, ENOSYS);
  filter.on(SYS_ioctl, {load_argument(1), jump(BPF_JEQ, FICLONE, 1, 0),
                        jump(BPF_JEQ, FICLONERANGE, 0, 1), give(answer(EOPNOTSUPP)), give(kAllow)});
  return filter.done();
}

std::vector<sock_filter> record_filter() {
  Filter filter = begin();
  filter.ask_if(SYS_openat, 2, kWrites);
  filter.ask_if(SYS_open, 1, kWrites);
  for (const long call : kAsked) filter.ask(call);
  filter.ask_if(SYS_mprotect, 2, PROT_WRITE);
  // Shared, writable and of a file.
  filter.on(SYS_mmap, {load_argument(2), jump(BPF_JSET, PROT_WRITE, 0, 4), load_argument(3),
                       jump(BPF_JSET, MAP_ANONYMOUS, 2, 0), jump(BPF_JSET, MAP_SHARED, 0, 1),
                       give(kAsk), give(kAllow)});
  filter.ask_if(SYS_clone, 0, CLONE_NEWNS | CLONE_NEWUSER);
  filter.ask_if(SYS_unshare, 0, CLONE_NEWNS | CLONE_NEWUSER);
  for (const long call : {SYS_io_uring_setup, SYS_io_setup, SYS_openat2, SYS_clone3})
    filter.refuse(call, ENOSYS);
  filter.on(SYS_ioctl, {load_argument(1), jump(BPF_JEQ, FICLONE, 1, 0),
                        jump(BPF_JEQ, FICLONERANGE, 0, 1), give(answer(EOPNOTSUPP)), give(kAllow)});
  return filter.done();
}

}  // namespace powercut::scenarios
