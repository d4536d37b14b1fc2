//! The errnos that have little to do with networks. They are included so that every number has an
//! explanation.

use canvass_model::{Errno, Phase};

use super::ErrnoEntry;

/// The entry of `errno`, if it is one of these.
pub(super) fn find(errno: Errno) -> Option<&'static ErrnoEntry> {
    let name = errno.name()?;
    ALL.iter().find(|entry| entry.name == name)
}

const fn e(name: &'static str, meaning: &'static str, advice: &'static str) -> ErrnoEntry {
    ErrnoEntry {
        name,
        phases: NOWHERE,
        meaning,
        advice,
    }
}

const NOWHERE: &[Phase] = &[];

/// Advice for errnos of obsolete subsystems.
const HISTORIC: &str = "Linux hardly ever returns it. If it occurs, a driver or a library uses the \
    number for its own purpose: check the kernel log (`dmesg`) and the documentation of that program.";
const OTHER_PROGRAM: &str = "It is not an error of a connection; check with `strace` which call \
    returned it.";
const FILE_SYSTEM: &str = "It is about files, not connections: check the path of the input or \
    output and its file system (`findmnt -T PATH`).";
const KEYS: &str = "It is about the key store of the kernel, which encrypted file systems and kernel \
    TLS use: check `keyctl show`.";
const LIBRARY: &str = "A program or library is damaged or missing: check `ldd` of the program and \
    install it again.";
const REMOTE_FILES: &str = "It is about remote file systems: check the mount (`findmnt -T PATH`) \
    and the file server.";

// Laid out by hand, so that it reads as a table.
#[rustfmt::skip]
const ALL: [ErrnoEntry; 85] = [
    e("ESRCH", "There is no such process, thread or route.",
      "When deleting or changing routes, there was nothing to change; otherwise the process has ended."),
    e("E2BIG", "The list of arguments and environment is too long.",
      "Pass targets with `-i FILE` or on standard input, not as arguments."),
    e("ENOEXEC", "The file is not a program that this system can run.", LIBRARY),
    e("ECHILD", "There is no child process to wait for.", OTHER_PROGRAM),
    e("EFAULT", "A memory address was invalid.",
      "This is a bug in the program. Please report it."),
    e("ENOTBLK", "A block device is required.", FILE_SYSTEM),
    e("EBUSY", "The resource is in use.", "Check which process uses it: `fuser -v PATH` for files, `ss -p` for sockets."),
    e("EEXIST", "The file already exists.", FILE_SYSTEM),
    e("EXDEV", "A link or a rename would cross file systems.",
      "Keep the output and its temporary file on the same file system."),
    e("EISDIR", "A directory was given where a file is required.", FILE_SYSTEM),
    e("ENOTTY", "The file is not a terminal, or does not support that control request.", OTHER_PROGRAM),
    e("ETXTBSY", "The file of a running program cannot be written.", "Stop the program first, or replace its file with a rename."),
    e("EFBIG", "The file would exceed the size limit.",
      "Check `ulimit -f` and the limit of the file system; split the output."),
    e("ENOSPC", "The disk is full, or a kernel table is.",
      "Check `df -h` and `df -i` for the output; for watches or queues of the kernel, their sysctl."),
    e("ESPIPE", "A pipe or socket cannot seek.",
      "Use a regular file where one is required, as for `-o`."),
    e("EROFS", "The file system is read-only.", FILE_SYSTEM),
    e("EMLINK", "The file has too many links.", FILE_SYSTEM),
    e("EDOM", "An argument is outside the domain of a function.", OTHER_PROGRAM),
    e("ERANGE", "A result does not fit.", OTHER_PROGRAM),
    e("EDEADLK", "Two lock holders would wait for each other (deadlock).", OTHER_PROGRAM),
    e("ENOLCK", "The system has no more file locks.", FILE_SYSTEM),
    e("ENOSYS", "This kernel does not have that system call, or a sandbox disables it.",
      "Compare `uname -r` with the requirements of the program, and check the seccomp rules of the container."),
    e("ENOTEMPTY", "The directory is not empty.", FILE_SYSTEM),
    e("ENOMSG", "There is no message of that kind in the queue.", OTHER_PROGRAM),
    e("EIDRM", "The queue or memory segment was removed.", OTHER_PROGRAM),
    e("ECHRNG", "A channel number is out of range.", HISTORIC),
    e("EL2NSYNC", "Level 2 of a link is not synchronized.", HISTORIC),
    e("EL3HLT", "Level 3 of a link is halted.", HISTORIC),
    e("EL3RST", "Level 3 of a link was reset.", HISTORIC),
    e("ELNRNG", "A link number is out of range.", HISTORIC),
    e("EUNATCH", "A protocol driver is not attached.", HISTORIC),
    e("ENOCSI", "No structure of that kind is available.", HISTORIC),
    e("EL2HLT", "Level 2 of a link is halted.", HISTORIC),
    e("EBADE", "An exchange is invalid.", HISTORIC),
    e("EBADR", "A request descriptor is invalid.", HISTORIC),
    e("EXFULL", "An exchange is full.", HISTORIC),
    e("ENOANO", "There is no anode.", HISTORIC),
    e("EBADRQC", "A request code is invalid.", HISTORIC),
    e("EBADSLT", "A slot is invalid.", HISTORIC),
    e("EBFONT", "A font file has the wrong format.", HISTORIC),
    e("ENOSTR", "The device is not a stream.", HISTORIC),
    e("ENODATA", "There is no data, or no such attribute.",
      "For a file, an extended attribute is missing (`getfattr -d PATH`); for a socket, the error queue is empty."),
    e("ETIME", "A timer expired.",
      "It comes from drivers and timers inside the kernel; a connection that times out has ETIMEDOUT. \
       Check `dmesg`."),
    e("ENOSR", "The streams subsystem is out of resources.", HISTORIC),
    e("ENOPKG", "A package is not installed, such as a cipher of the kernel.",
      "Check `/proc/crypto` for the algorithm, and load its module."),
    e("EREMOTE", "The object is remote.", REMOTE_FILES),
    e("ENOLINK", "The link to a remote machine is cut.", REMOTE_FILES),
    e("EADV", "An advertise failed.", HISTORIC),
    e("ESRMNT", "A remote mount failed.", HISTORIC),
    e("ECOMM", "Sending to a device failed.",
      "Check the adapter or radio of the address (`dmesg`)."),
    e("EMULTIHOP", "A path would go over more than one remote machine.", REMOTE_FILES),
    e("EDOTDOT", "A remote file system reports its own kind of error.", REMOTE_FILES),
    e("EBADMSG", "A message or a block is corrupted.",
      "With kernel TLS, a record failed its check; for a file, the disk is damaged: check `dmesg`."),
    e("EOVERFLOW", "A value is too large for its field.",
      "Common in 32-bit programs with large files or late dates; use a 64-bit build."),
    e("ENOTUNIQ", "A name is already used on the network.", HISTORIC),
    e("EBADFD", "The descriptor is in a state that does not allow this.",
      "This is a bug in the program that uses the descriptor. Please report it."),
    e("EREMCHG", "The remote address has changed.", HISTORIC),
    e("ELIBACC", "A required shared library cannot be read.", LIBRARY),
    e("ELIBBAD", "A shared library is corrupted.", LIBRARY),
    e("ELIBSCN", "A section of a program file is corrupted.", LIBRARY),
    e("ELIBMAX", "Too many shared libraries would be linked.", LIBRARY),
    e("ELIBEXEC", "A shared library cannot be run on its own.", LIBRARY),
    e("EILSEQ", "Octets are invalid in the character set.",
      "Check that the list is UTF-8 (`iconv -f utf-8 -t utf-8 FILE`), and what the file system of the path requires."),
    e("ERESTART", "A call was interrupted and should be repeated.",
      "It is internal to the kernel. If a program sees it, check whether the program is traced or debugged."),
    e("ESTRPIPE", "A stream's pipe failed.", HISTORIC),
    e("EUSERS", "There are too many users, or too many mounts.", "Check quotas and the limits of the file server."),
    e("ETOOMANYREFS", "Too many descriptors are in transit in Unix sockets.",
      "A program passes descriptors that are not received: check `ss -xp` and its limit of open files."),
    e("ESTALE", "A file handle is stale: the file server lost or replaced the file.", REMOTE_FILES),
    e("EUCLEAN", "The file system is damaged.", "Unmount it, check it (`fsck`), and check `dmesg`."),
    e("ENOTNAM", "The file is not a XENIX named type.", HISTORIC),
    e("ENAVAIL", "There are no XENIX semaphores.", HISTORIC),
    e("EISNAM", "The file is a named type.", HISTORIC),
    e("EREMOTEIO", "Input or output of a remote device failed.",
      "Check `dmesg` for the bus or adapter that reports it."),
    e("EDQUOT", "The disk quota is used up.", "Check `quota -s` for the user and directory of the output."),
    e("ENOMEDIUM", "There is no medium in the drive.", FILE_SYSTEM),
    e("EMEDIUMTYPE", "The medium is of the wrong kind.", FILE_SYSTEM),
    e("ECANCELED", "The operation was cancelled.",
      "It was stopped on purpose: check what ended the program or its request."),
    e("ENOKEY", "A required key is missing.", KEYS),
    e("EKEYEXPIRED", "A key has expired.", KEYS),
    e("EKEYREVOKED", "A key was revoked.", KEYS),
    e("EKEYREJECTED", "A key was rejected, for instance because of a bad signature.", KEYS),
    e("EOWNERDEAD", "The holder of a shared lock died.", OTHER_PROGRAM),
    e("ENOTRECOVERABLE", "The state that a shared lock protects cannot be recovered.", OTHER_PROGRAM),
    e("ERFKILL", "The radio is switched off.", "Check `rfkill list`, and any switch on the case."),
    e("EHWPOISON", "A memory page has a hardware error.",
      "The memory of this machine is faulty: check `dmesg` and `mcelog`, and test it before relying on any figure."),
];
