//! The attempts. Each takes a step towards what is outside; an error says that it did not get there.
#![expect(unsafe_code, reason = "the standard library has no calls for most of what is forbidden")]

use std::{
    fs::{self, File, OpenOptions},
    io,
    net::{TcpStream, UdpSocket},
    ops::RangeInclusive,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::{PermissionsExt as _, symlink},
            net::{SocketAddr, UnixStream},
        },
    },
    path::PathBuf,
    process::{Command, Stdio},
    ptr::null_mut,
};

use crate::bombs;

/// What is outside: a process, a folder with a `secret`, and sockets that listen.
pub(crate) struct Targets {
    process: i32,
    folder: PathBuf,
    tcp: String,
    udp: String,
    abstract_socket: String,
}

impl Targets {
    /// Five words, in the order of the fields.
    pub(crate) fn parse(words: &str) -> Self {
        let mut words = words.split(' ').map(str::to_owned);
        let mut next = || words.next().expect("five words");
        Self {
            process: next().parse().expect("a process id"),
            folder: next().into(),
            tcp: next(),
            udp: next(),
            abstract_socket: next(),
        }
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.process))
    }
}

/// What is in the file `secret`, and the descriptors that it may have been inherited as.
const SECRET: &[u8; 6] = b"secret";
const INHERITABLE: RangeInclusive<i32> = 3..=1023;

type Attempt = fn(&Targets) -> io::Result<()>;

/// In an order that leaves each its chance: what changes this process comes last.
pub(crate) const ATTEMPTS: &[(&str, Attempt)] = &[
    ("read a file", |t| File::open(t.folder.join("secret")).map(drop)),
    ("read /etc/passwd", |_| File::open("/etc/passwd").map(drop)),
    ("list a folder", |t| fs::read_dir(&t.folder).map(drop)),
    ("write a file", |t| OpenOptions::new().append(true).open(t.folder.join("secret")).map(drop)),
    ("create a file", |t| File::create(t.folder.join("created")).map(drop)),
    ("create a folder", |t| fs::create_dir(t.folder.join(format!("folder{}", std::process::id())))),
    ("create a link", |t| symlink("secret", t.folder.join(format!("link{}", std::process::id())))),
    ("change rights", |t| fs::set_permissions(t.folder.join("secret"), fs::Permissions::from_mode(0o600))),
    ("read another's environment", |t| File::open(t.proc("environ")).map(drop)),
    ("read another's memory map", |t| File::open(t.proc("maps")).map(drop)),
    ("see another's program", |t| fs::read_link(t.proc("exe")).map(drop)),
    ("read /proc/self/status", |_| File::open("/proc/self/status").map(drop)),
    ("connect by TCP", |t| TcpStream::connect(&t.tcp).map(drop)),
    ("send by UDP", |t| UdpSocket::bind("127.0.0.1:0")?.send_to(b"secret", &t.udp).map(drop)),
    ("connect to an abstract socket", |t| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&t.abstract_socket)?).map(drop)
    }),
    // SAFETY (of all these): numbers, and memory of this process that outlives the call.
    ("read an inherited file", |_| {
        let mut content = [0; SECRET.len()];
        let is_secret = |fd| {
            let read = unsafe { libc::pread(fd, content.as_mut_ptr().cast(), content.len(), 0) };
            read == SECRET.len().cast_signed() && content == *SECRET
        };
        if INHERITABLE.into_iter().any(is_secret) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }),
    ("set up an io_uring", |_| {
        let mut parameters = [0_u64; 15];
        call(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
    }),
    ("look for another process", |t| call(unsafe { libc::kill(t.process, 0) })),
    ("signal another process", |t| call(unsafe { libc::kill(t.process, libc::SIGCONT) })),
    ("trace another process", |t| {
        let nothing = null_mut::<libc::c_void>();
        call(unsafe { libc::ptrace(libc::PTRACE_SEIZE, t.process, nothing, nothing) })
    }),
    ("read another's memory", |t| {
        let mut byte = 0_u8;
        let here = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let there = libc::iovec { iov_base: null_mut(), iov_len: 1 };
        let read = call(unsafe { libc::process_vm_readv(t.process, &raw const here, 1, &raw const there, 1, 0) });
        // There is nothing at that address, and to be told so one must be allowed to look.
        if io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT) { Ok(()) } else { read }
    }),
    ("open another process", |t| call(unsafe { libc::syscall(libc::SYS_pidfd_open, t.process, 0) })),
    ("execute a program", |_| {
        Command::new("/bin/sh").args(["-c", ":"]).stdin(Stdio::null()).stdout(Stdio::null()).status().map(drop)
    }),
    ("map memory from nowhere", |_| call(unsafe { libc::syscall(libc::SYS_memfd_create, c"secret".as_ptr(), 0) })),
    ("load a filter into the kernel", |_| {
        // An empty array map (`BPF_MAP_CREATE`): type, key, value, entries.
        let map = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        call(unsafe { libc::syscall(libc::SYS_bpf, 0, map.as_ptr(), size_of_val(&map)) })
    }),
    ("add a key", |_| call(unsafe { libc::syscall(libc::SYS_keyctl, 0, -3, 1) })),
    ("fork a process", |_| bombs::fork(0)),
    ("spawn a sibling", |_| bombs::fork(libc::CLONE_PARENT)),
    ("clone into a namespace", |_| bombs::fork(libc::CLONE_NEWUSER)),
    ("unshare a namespace", |_| call(unsafe { libc::unshare(libc::CLONE_NEWUSER) })),
];

/// Writes into any file that was inherited.
pub(crate) fn overwrite() -> io::Result<()> {
    // SAFETY: the same.
    let write = |fd| call(unsafe { libc::pwrite(fd, SECRET.as_ptr().cast(), SECRET.len(), 0) });
    if INHERITABLE.into_iter().any(|fd| write(fd).is_ok()) { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(crate) fn call(answer: impl TryInto<i64>) -> io::Result<()> {
    if answer.try_into().is_ok_and(|answer| answer < 0) { Err(io::Error::last_os_error()) } else { Ok(()) }
}
