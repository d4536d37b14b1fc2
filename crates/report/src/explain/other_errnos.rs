//! The errnos that have little to do with networks. They are explained all the same: who meets a
//! number wants to know what it is.

use canvass_model::{Errno, Phase};

use super::ErrnoEntry;

/// What is known of `errno`, where it is one of these.
pub(super) fn find(errno: Errno) -> Option<&'static ErrnoEntry> {
    let name = errno.name()?;
    ALL.iter().find(|entry| entry.name == name)
}

const fn e(name: &'static str, meaning: &'static str, look: &'static str) -> ErrnoEntry {
    ErrnoEntry {
        name,
        phases: NOWHERE,
        meaning,
        look,
    }
}

const NOWHERE: &[Phase] = &[];

/// What stands for numbers that only old or distant kinds of systems give.
const HISTORIC: &str = "Linux hardly ever gives it; where it comes up, a driver or a library \
    borrowed the number: look at the kernel's log (`dmesg`) and at that program's own papers.";
const OTHER_PROGRAM: &str = "It is no error of a connection; look with `strace` at which call gave \
    it.";
const FILE_SYSTEM: &str = "It is about files, not connections: look at the path of the input or \
    output, and at its file system (`findmnt -T PATH`).";
const KEYS: &str = "It is about the kernel's key store, as encrypted file systems and kernel TLS use \
    it: look at `keyctl show`.";
const LIBRARY: &str = "A program file or library is broken or missing: look at `ldd` of the program \
    and install it again.";
const REMOTE_FILES: &str = "It is about remote file systems: look at the mount (`findmnt -T PATH`) \
    and at the file server.";

// One entry of the table is a line or two: laid out by hand, it can be read down the columns.
#[rustfmt::skip]
const ALL: [ErrnoEntry; 85] = [
    e("ESRCH", "There is no such process, thread or route.",
      "When deleting or changing routes, there was nothing to change; otherwise the process has ended."),
    e("E2BIG", "The list of arguments and environment is too long.",
      "Hand targets over by `-i FILE` or standard input rather than as arguments."),
    e("ENOEXEC", "The file is no program this system can run.", LIBRARY),
    e("ECHILD", "There is no child process to wait for.", OTHER_PROGRAM),
    e("EFAULT", "An address in memory was not valid.",
      "This is a fault of the program. Please report it."),
    e("ENOTBLK", "A block device is needed and this is none.", FILE_SYSTEM),
    e("EBUSY", "The thing is in use.", "See who uses it: `fuser -v PATH` for files, `ss -p` for sockets."),
    e("EEXIST", "The file is there already.", FILE_SYSTEM),
    e("EXDEV", "A link or a rename would cross file systems.",
      "Keep the journal's folder and its temporary file on one file system."),
    e("EISDIR", "A folder was named where a file is needed.", FILE_SYSTEM),
    e("ENOTTY", "The file is no terminal, or does not know that control request.", OTHER_PROGRAM),
    e("ETXTBSY", "A program file that is running cannot be written.", "End the program first, or replace its file by a rename."),
    e("EFBIG", "The file would be larger than allowed.",
      "Look at `ulimit -f` and at the file system's own limit; split the output."),
    e("ENOSPC", "The disk is full, or a kernel table is.",
      "Look at `df -h` and `df -i` for the output; for watches or queues of the kernel, at their sysctl."),
    e("ESPIPE", "One cannot go to a place in a pipe or socket.",
      "Give a regular file where one is asked for, as with `-o` and `--journal`."),
    e("EROFS", "The file system is read-only.", FILE_SYSTEM),
    e("EMLINK", "The file has too many links.", FILE_SYSTEM),
    e("EDOM", "A number is outside what a function takes.", OTHER_PROGRAM),
    e("ERANGE", "A result does not fit.", OTHER_PROGRAM),
    e("EDEADLK", "Two lock holders would wait for each other for ever.", OTHER_PROGRAM),
    e("ENOLCK", "The system has no more file locks.", FILE_SYSTEM),
    e("ENOSYS", "This kernel does not have that call, or a sandbox hides it.",
      "Compare `uname -r` with what the program needs, and look at seccomp rules of the container."),
    e("ENOTEMPTY", "The folder is not empty.", FILE_SYSTEM),
    e("ENOMSG", "There is no message of that kind in the queue.", OTHER_PROGRAM),
    e("EIDRM", "The queue or memory segment was removed.", OTHER_PROGRAM),
    e("ECHRNG", "A channel number is out of range.", HISTORIC),
    e("EL2NSYNC", "Level 2 of a link is not in step.", HISTORIC),
    e("EL3HLT", "Level 3 of a link is halted.", HISTORIC),
    e("EL3RST", "Level 3 of a link was reset.", HISTORIC),
    e("ELNRNG", "A link number is out of range.", HISTORIC),
    e("EUNATCH", "A protocol driver is not attached.", HISTORIC),
    e("ENOCSI", "No structure of that kind is available.", HISTORIC),
    e("EL2HLT", "Level 2 of a link is halted.", HISTORIC),
    e("EBADE", "An exchange is not valid.", HISTORIC),
    e("EBADR", "A request descriptor is not valid.", HISTORIC),
    e("EXFULL", "An exchange is full.", HISTORIC),
    e("ENOANO", "There is no anode.", HISTORIC),
    e("EBADRQC", "A request code is not valid.", HISTORIC),
    e("EBADSLT", "A slot is not valid.", HISTORIC),
    e("EBFONT", "A font file is not in the right form.", HISTORIC),
    e("ENOSTR", "The device is no stream.", HISTORIC),
    e("ENODATA", "There is no data, or no such attribute.",
      "Of a file it is a missing extended attribute (`getfattr -d PATH`); of a socket an empty error queue."),
    e("ETIME", "A timer ran out.",
      "It comes from drivers and timers inside the kernel, not from a connection: that would be ETIMEDOUT. \
       Look at `dmesg`."),
    e("ENOSR", "The streams subsystem is out of resources.", HISTORIC),
    e("ENOPKG", "A package is not installed, as a cipher the kernel lacks.",
      "Look at `/proc/crypto` for the algorithm and load its module."),
    e("EREMOTE", "The object is remote.", REMOTE_FILES),
    e("ENOLINK", "The link to a remote machine is cut.", REMOTE_FILES),
    e("EADV", "An advertise failed.", HISTORIC),
    e("ESRMNT", "A remote mount failed.", HISTORIC),
    e("ECOMM", "Something went wrong while sending to a device.",
      "Look at the adapter or radio the address belongs to (`dmesg`)."),
    e("EMULTIHOP", "A path would go over more than one remote machine.", REMOTE_FILES),
    e("EDOTDOT", "A remote file system reports its own kind of error.", REMOTE_FILES),
    e("EBADMSG", "A message or a block is not readable.",
      "Of kernel TLS it is a record that fails its check; of a file, damage on the disk: look at `dmesg`."),
    e("EOVERFLOW", "A value is too large for its field.",
      "Usual for 32-bit programs that meet large files or late dates; use a 64-bit build."),
    e("ENOTUNIQ", "A name is taken on the network already.", HISTORIC),
    e("EBADFD", "The descriptor is in a state that does not allow this.",
      "This is a fault of the program that holds the descriptor. Please report it."),
    e("EREMCHG", "The remote address has changed.", HISTORIC),
    e("ELIBACC", "A shared library that is needed cannot be read.", LIBRARY),
    e("ELIBBAD", "A shared library is corrupted.", LIBRARY),
    e("ELIBSCN", "A section of a program file is corrupted.", LIBRARY),
    e("ELIBMAX", "Too many shared libraries would be linked.", LIBRARY),
    e("ELIBEXEC", "A shared library cannot be run on its own.", LIBRARY),
    e("EILSEQ", "Octets are not valid in the character set.",
      "See that the list is UTF-8 (`iconv -f utf-8 -t utf-8 FILE`), and what the path's file system wants."),
    e("ERESTART", "A call was interrupted and should be made again.",
      "It is meant for the kernel's inside; seen outside, look at what traces or debugs the program."),
    e("ESTRPIPE", "A stream's pipe failed.", HISTORIC),
    e("EUSERS", "There are too many users, or too many mounts.", "Look at quotas and at the limits of the file server."),
    e("ETOOMANYREFS", "Too many descriptors are on their way inside unix sockets.",
      "A program passes descriptors on and nobody takes them: look at `ss -xp` and at its limit of open files."),
    e("ESTALE", "A file handle is stale: the file server lost or replaced the file.", REMOTE_FILES),
    e("EUCLEAN", "The file system is damaged.", "Unmount it and check it (`fsck`), and look at `dmesg`."),
    e("ENOTNAM", "The file is no XENIX named type.", HISTORIC),
    e("ENAVAIL", "There are no XENIX semaphores.", HISTORIC),
    e("EISNAM", "The file is a named type.", HISTORIC),
    e("EREMOTEIO", "Input or output failed on the far side of a device.",
      "Look at `dmesg` for the bus or adapter that reports it."),
    e("EDQUOT", "The disk quota is used up.", "Look at `quota -s` for the user and folder of the output."),
    e("ENOMEDIUM", "There is no medium in the drive.", FILE_SYSTEM),
    e("EMEDIUMTYPE", "The medium is of the wrong kind.", FILE_SYSTEM),
    e("ECANCELED", "The operation was cancelled.",
      "Somebody stopped it on purpose: look at what ended the program or its request."),
    e("ENOKEY", "A key that is needed is not there.", KEYS),
    e("EKEYEXPIRED", "A key's time is over.", KEYS),
    e("EKEYREVOKED", "A key was revoked.", KEYS),
    e("EKEYREJECTED", "A key was refused, as one whose signature does not fit.", KEYS),
    e("EOWNERDEAD", "The holder of a shared lock died.", OTHER_PROGRAM),
    e("ENOTRECOVERABLE", "What a shared lock guards cannot be saved.", OTHER_PROGRAM),
    e("ERFKILL", "The radio is switched off.", "Look at `rfkill list`, and for a switch on the case."),
    e("EHWPOISON", "A page of memory is broken.",
      "The memory of this machine fails: look at `dmesg` and `mcelog`, and test it before trusting any figure."),
];
